"""The profile "tcphs monitor": with it the host does much less, and tcphs says the same to the letter.

Leaves to others: what it saves (tests/bench).
"""
import shutil

import pytest

from harness import Frame, ROOT, differences, in_parallel

NAME = "tcphs monitor"
MONITOR = ("-C", NAME)
REPORTS = {form: sum((["-z", f"tcphs,{r}"] for r in ("conn", "server", "client", *ladder)), []) for form, ladder in (("text", ["ladder"]), ("json", []))}


@pytest.fixture(scope="module")
def profile(host):
    folder = host.folder(".config", "wireshark", "profiles", NAME)
    for path in (ROOT / "plugin" / "profile" / NAME).iterdir():
        shutil.copy(path, folder)
    return folder


def test_the_host_analyses_nothing(host, profile, everything):
    """Or the profile would be one in name only."""
    for unwanted in ("tcp.analysis.flags", "tcp.time_delta", "tcp.segments"):
        assert host.numbers(everything, unwanted) and host.numbers(everything, unwanted, *MONITOR) == []


def layers_above(host, capture, *args):
    """Protocols that TCP carries; Multipath TCP is an option of its header."""
    rows = host.lines("-r", capture, *args, "-T", "fields", "-e", "frame.protocols")
    return {layer for row in rows for layer in row.partition(":tcp:")[2].split(":")} - {"", "data", "mptcp", "tcp"}


def test_payload_is_not_read(host, profile, everything):
    assert layers_above(host, everything) and not layers_above(host, everything, *MONITOR)


def test_same_fields(host, profile, share, everything):
    """The lab's captures are in everything."""
    def differ(capture):
        return differences(capture.name, host.once(capture), host.frames(capture, *MONITOR), pick=lambda f: f.fields)
    captures = [*share, everything]
    assert sum(in_parallel(differ, captures), []) == []
    assert sum(len(host.once(c)) for c in captures) > 1000 and any(Frame.per_segment(f) for f in host.once(everything))


@pytest.mark.parametrize("form", ["text", "json"])
def test_same_reports(host, profile, share, everything, form):
    """The lab's captures are in everything."""
    def differ(capture):
        ask = ("-q", *REPORTS[form], "-o", f"tcphs.report:{form}", "-r", capture)
        plain, monitor = (host.ts(*more, *ask) for more in ((), MONITOR))
        assert len(plain.stdout.splitlines()) > 4
        return [] if (plain.stdout, plain.stderr) == (monitor.stdout, monitor.stderr) else [capture.name]
    assert sum(in_parallel(differ, [*share, everything] if form == "json" else [everything]), []) == []


def test_nothing_is_said_on_stderr(host, profile, everything):
    """Of a setting that it does not know the host complains there."""
    assert host.ts(*MONITOR, "-q", "-z", "tcphs,conn", "-r", everything).stderr == ""
