"""Zeek's words: held against Zeek's own verdicts on real traces where those stand beside the checkout, and the settings around them.

Leaves to others: the rules case by case (tests/unit/test_zeek.c).
"""
import re
import subprocess
import sys

import pytest

from harness import ROOT
from packets import Capture, Talk, tcp

ZEEK = ROOT.parent / "shared" / "zeek"
TOOL = ROOT.parent / "shared" / "tools" / "zeek-score"


@pytest.mark.trust
@pytest.mark.skipif(not (ZEEK / "oracle.tsv").exists() or not TOOL.exists(), reason="no traces with Zeek's verdicts beside this checkout")
def test_agrees_with_zeek(host):
    done = subprocess.run([sys.executable, TOOL, "--plugin", host.installed, "--tshark", host.tshark, "-v", ZEEK], capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    for figure in ("conn_state", "history", "both"):
        good, judged = map(int, re.search(rf"^{figure} +(\d+)/(\d+) ", done.stdout, re.M).groups())
        assert judged > 100 and 100 * good >= 97 * judged, done.stdout


def words(host, path, *args):
    rows = host.lines("-2", "-r", path, *args, "-T", "fields", "-e", "tcphs.conn.zeek.state", "-e", "tcphs.conn.zeek.history")
    return [tuple(r.split("\t")) for r in rows]


def test_every_segment_shows_its_own_connection(host, put):
    """Zeek sees two connections where a SYN comes again after six seconds; tcphs sees one."""
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S"), talk.c("S", after=6_000_000), talk.s("SA", 0, 1), talk.c("A", 1, 1)
    assert words(host, put("retry.pcap", cap.bytes())) == [("S0", "S")] + [("S1", "ShA")] * 3
    out = host.ts("-q", "-z", "tcphs,conn", "-o", "tcphs.report:json", "-r", put("retry.pcap", cap.bytes())).stdout
    assert '"tcphs.conn.zeek.state":"S0,S1","tcphs.conn.zeek.history":"S,ShA"' in out


def test_server_ports_are_a_preference(host, put):
    cap = Capture()
    Talk(cap, 40001, to=9999).s("PA", 1, 1, data=b"x")
    path = put("midstream.pcap", cap.bytes())
    assert words(host, path) == [("OTH", "D")]
    assert words(host, path, "-o", "tcphs.zeek_ports:80,9999") == [("OTH", "^d")]
    broken = host.run(host.tshark, "-o", "tcphs.zeek_ports:eighty", "-r", path)
    assert broken.returncode == 1 and "zeek_ports" in broken.stderr


def test_checksums_count_only_when_the_host_verifies_them(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.open()
    segment = bytearray(tcp(talk.client, talk.server, talk.iss + 1, talk.irs + 1, "R"))
    segment[16] ^= 0xFF
    cap.ip(talk.client[0], talk.server[0], bytes(segment))
    path = put("checksum.pcap", cap.bytes())
    assert words(host, path)[-1] == ("RSTO", "ShAR")
    assert words(host, path, "-o", "tcp.check_checksum:TRUE")[-1] == ("S1", "ShAC")
