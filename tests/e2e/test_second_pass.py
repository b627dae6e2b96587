"""Whoever asks for tcphs.conn.* in a pass in which it is not final is told so in one line, if it made a difference; nobody else is told anything.

Leaves to others: reports (test_reports.py), the window (test_window.py), what the fields say (test_modes.py).
"""
import re

import pytest

import profile_files as profile
from harness import Sharkd, in_parallel
from packets import Capture, Talk

FAILED = "tcphs.conn.failed"


@pytest.fixture(scope="session")
def showcase(samples):
    return next(s for s in samples if s.name == "showcase.pcapng")


@pytest.fixture(scope="session")
def busy(samples):
    """Connections of every kind."""
    return next(s for s in samples if s.name == "many-kinds.pcapng")


def told(host, capture, *args):
    """The fields that are said to have changed, and what is to be done; None where nothing is said. Everything else is an error."""
    lines = [line for line in host.ts("-r", capture, *args).stderr.splitlines() if line != "resetting session."]  # tshark's own, of -M
    assert len(lines) <= 1, lines
    found = lines and re.fullmatch(r"tcphs: ([\w., ]+?) changed after (.*): (.*)", lines[0])
    assert bool(found) == bool(lines), lines
    return (found.group(1).split(", "), found.group(3)) if found else None


def test_a_display_filter_in_one_pass(host, showcase):
    assert told(host, showcase, "-Y", FAILED) == ([FAILED], "read the capture with -2")


def test_a_statistic_of_the_host(host, showcase):
    assert told(host, showcase, "-q", "-z", f"io,stat,0,{FAILED}")[0] == [FAILED]


def test_a_column(host, showcase):
    profile.place(host)
    assert told(host, showcase, "-C", profile.NAME)[0] == ["tcphs.conn.verdict"]


def test_two_passes(host, busy):
    ask = f'{FAILED} || tcphs.conn.zeek.history contains "R"'
    assert len(told(host, busy, "-Y", ask)[0]) == 2
    assert host.ts("-2", "-r", busy, "-Y", ask, "-q", "-z", f"tcphs,conn,{FAILED}").stderr == ""


def test_a_read_filter(host, showcase):
    """-R throws packets away in the first pass: what it chose by had not come about yet."""
    fields, advice = told(host, showcase, "-2", "-R", FAILED)
    assert fields == [FAILED] and "-2 -Y" in advice
    assert told(host, showcase, "-2", "-R", FAILED, "-Y", FAILED)[0] == [FAILED]


def test_a_read_filter_by_something_else(host, showcase):
    assert told(host, showcase, "-2", "-R", "tcp.port == 80", "-Y", FAILED) is None
    assert told(host, showcase, "-2", "-R", "tcp", "-Y", FAILED) is None


@pytest.mark.parametrize("args", [[], ["-V"], ["-q", "-z", "tcphs,conn"], ["-Y", "tcphs.anomaly"], ["-Y", "tcphs"], ["-2"], ["-T", "json"],
                                  ["-T", "fields", "-e", "tcphs.conn.verdict"], ["-2", "-R", "tcphs.rst.kind"]])
def test_nobody_else_is_told(host, busy, args):
    assert told(host, busy, *args) is None


def test_what_did_not_change_is_not_told(host, put):
    """Every handshake succeeds: whether one failed is no other answer at the end."""
    cap = Capture()
    for port in range(40001, 40010):
        Talk(cap, port).open()
    path = put("healthy.pcap", cap.bytes())
    assert told(host, path, "-Y", FAILED) is None
    assert told(host, path, "-Y", "tcphs.conn.verdict")[0] == ["tcphs.conn.verdict"]


def test_every_field_of_a_connection(host, busy, declared):
    """Where a filter by a field chooses other packets in a second pass, the first says so, whatever the field is."""
    fields = sorted(name for name in declared if name.startswith("tcphs.conn."))
    assert len(fields) >= 11

    def check(field):
        ask = f"{field} == 1" if field == "tcphs.conn.final" else field
        one, two = (host.ts("-r", busy, *passes, "-Y", ask, "-T", "fields", "-e", "frame.number") for passes in ([], ["-2"]))
        if two.stderr:
            return f"{field}: told with -2: {two.stderr}"
        return f"{field}: not told" if one.stdout != two.stdout and f"tcphs: {field} changed" not in one.stderr else None
    assert [w for w in in_parallel(check, fields) if w] == []


def test_the_moment_may_be_chosen_by_events(host, busy):
    """A monitor of one pass that shows a connection when it fails or ends shows what it has come to by then."""
    columns = 'gui.column.format:"Verdict","%Cus:tcphs.conn.verdict","Close","%Cus:tcphs.conn.close"'
    assert told(host, busy, "-Y", 'tcphs.event in {"failed", "ended"}', "-o", columns) is None
    assert told(host, busy, "-o", columns)[0] == ["tcphs.conn.verdict", "tcphs.conn.close"]


def test_sessions_that_are_reset_are_told_of_once(host, busy):
    assert told(host, busy, "-M", "50", "-Y", FAILED)[0] == [FAILED]


def test_sharkd_says_nothing(host, showcase):
    with Sharkd(host) as sharkd:
        sharkd.load(showcase)
        assert len(sharkd.ask("frames", filter=FAILED)) == len(host.numbers(showcase, FAILED, "-2"))
        assert "tcphs: " not in sharkd.stderr()
