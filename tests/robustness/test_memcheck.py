"""valgrind memcheck on tshark: one pass and two over all samples.

What the host itself leaks or reads wrongly is not ours to judge: only those findings count in which our shared object has a part.
"""
import xml.etree.ElementTree

import harness
from conftest import needs

OURS = "tcphs.so"


def test_memcheck(host):
    """With the report of all connections, without lists of names, which the host would read for most of the time."""
    needs("valgrind")
    merged, report = host.output("memcheck.pcapng"), host.output("memcheck.xml")
    assert host.run(host.tool("mergecap"), "-a", "-w", merged, *[host.place(p) for p in harness.SAMPLES.glob("*.pcap*")]).returncode == 0
    env = dict(host.env, WIRESHARK_DEBUG_WMEM_OVERRIDE="simple", WIRESHARK_DATA_DIR="/nonexistent", G_SLICE="always-malloc")
    for passes in ([], ["-2"]):
        done = host.run("valgrind", "--leak-check=full", "--xml=yes", f"--xml-file={report}", "--", host.tshark, "-n", "-r", merged, *passes, "-O", "tcphs",
                        "-z", "tcphs,conn", timeout=3600, env=env)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "TCP Handshake Analysis" in done.stdout and "summary: connections" in done.stdout
        errors = xml.etree.ElementTree.parse(report).getroot().findall("error")
        ours = [e.findtext("kind") + ": " + " < ".join(f.findtext("fn") or "?" for f in e.iter("frame")) for e in errors
                if any((f.findtext("obj") or "").endswith(OURS) for f in e.iter("frame"))]
        assert not ours, "\n".join(ours)[:6000]
