"""Memory over a long life: a thousand captures opened and closed in one sharkd, and memcheck on a sample of captures.

What the host itself leaks or reads wrongly is not ours to judge: of memcheck's findings only those count in which our shared object has
a part.
"""
import re
import xml.etree.ElementTree

import harness

OPENED, WARM = 1000, 300
ALLOWED = 2 << 20  # bytes more than the host without tcphs: less than 3 KB a capture, noise of the allocator
ONE_LEAK = "tcphs.so"


def resident(sharkd):
    text = open(f"/proc/{sharkd.process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


def growth(host, display_filter):
    """How much larger sharkd is after OPENED captures than after the first WARM ones; they come round again and again."""
    captures, sizes = [host.place(p) for p in sorted(harness.SAMPLES.glob("*.pcap"))], {}
    host.env["WIRESHARK_DATA_DIR"] = "/nonexistent"
    with harness.Sharkd(host) as sharkd:
        for i in range(OPENED):
            sharkd.load(captures[i % len(captures)])
            assert sharkd.ask("frames", filter=display_filter)
            if i in (WARM, OPENED - 1):
                sizes[i] = resident(sharkd)
    del host.env["WIRESHARK_DATA_DIR"]
    return sizes[OPENED - 1] - sizes[WARM]


def test_a_thousand_captures_in_one_sharkd(host, bare_host):
    """The host grows with every capture by itself (measured on 4.0); tcphs must not add to it."""
    ours, theirs = harness.in_parallel(lambda job: growth(*job), [(host, "tcphs.conn.verdict || frame"), (bare_host, "tcp || frame")])
    print(f"{OPENED} captures: grown by {ours} bytes after the first {WARM}, without tcphs by {theirs}")
    assert ours - theirs < ALLOWED


def test_memcheck(host):
    """One pass and two over all samples in a row, with the report of all connections."""
    merged, report = host.output("memcheck.pcapng"), host.output("memcheck.xml")
    assert host.run(host.tool("mergecap"), "-a", "-w", merged, *[host.place(p) for p in harness.SAMPLES.glob("*.pcap*")]).returncode == 0
    env = dict(host.env, WIRESHARK_DEBUG_WMEM_OVERRIDE="simple", WIRESHARK_DATA_DIR="/nonexistent", G_SLICE="always-malloc")
    for passes in ([], ["-2"]):
        done = host.run("valgrind", "--leak-check=full", "--xml=yes", f"--xml-file={report}", "--", host.tshark, "-n", "-r", merged, *passes, "-O", "tcphs",
                        "-z", "tcphs,conn", timeout=1200, env=env)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "TCP Handshake Analysis" in done.stdout and "summary: connections" in done.stdout
        errors = xml.etree.ElementTree.parse(report).getroot().findall("error")
        ours = [e.findtext("kind") + ": " + " < ".join(f.findtext("fn") or "?" for f in e.iter("frame")) for e in errors
                if any((f.findtext("obj") or "").endswith(ONE_LEAK) for f in e.iter("frame"))]
        assert not ours, "\n".join(ours)[:6000]
