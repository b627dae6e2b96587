"""A person at a Wireshark window with the profile: opens, filters, clicks, follows, reloads, closes, and captures live.

Leaves to others: the files of the profile (test_profile.py). Skipped where Wireshark, Xvfb, openbox, xdotool or xclip are not installed.
"""
import os
import shutil
import subprocess
import sys
import time

import pytest

import harness
import profile_files as profile
from packets import Capture, Talk
from test_gui import programs, screen, windows  # noqa: F401 - fixtures
from window import A_WHILE, IN_THE_LIST, Window, missing

BEHIND = 15_000  # packets between the top of the list and what decides about it
TOP = 8  # connections at the top


@pytest.fixture(autouse=True)
def needed(host):
    if missing(host):
        pytest.skip("not installed: " + " ".join(missing(host)))
    profile.place(host)


def as_listed(host, capture, *args):
    """The rows of the packet list by tshark: the same columns, after a full pass."""
    lines = host.lines("-r", capture, "-2", "-C", profile.NAME, "-T", "tabs", *args)
    return [[cell.strip() for cell in line.split("\t") if cell.strip() != "→"] for line in lines]


@pytest.mark.trust
def test_an_hour_at_the_window(host, screen, tmp_path):  # noqa: F811
    """Opens, filters, clicks back and forth, follows a stream, opens statistics, reloads, closes: always the rows of tshark, and no word from us."""
    capture = host.place(harness.SAMPLES / "showcase.pcapng")
    everything = as_listed(host, capture)
    with Window(host, screen, tmp_path, "-r", capture, "-z", "tcphs,conn") as window:
        window.found("TCP Handshake: Connections")
        window.opened(capture.name)
        window.gone("TCP Handshake: Connections")
        window.shows(everything, "loaded")

        def this_connection():
            window.filter("")
            window.click_list()
            window.keys("ctrl+Home", *["Down"] * 10)  # to frame 11, of connection 1
            window.filter(profile.buttons()["This connection"])
        window.shows(as_listed(host, capture, "-Y", "tcphs.id == 1"), "this connection", this_connection)
        for name in ("Failed", "Scans"):
            expression = profile.buttons()[name]
            window.shows(as_listed(host, capture, "-Y", expression), name, lambda text=expression: window.filter(text))
        window.shows(everything, "filter cleared", lambda: window.filter(""))
        window.click_list()
        window.keys("End", "Up", "Up", "Home", "Down", "Down", "Next", "Prior", "ctrl+Down", "ctrl+Up", "ctrl+End", "ctrl+Home")
        window.opens("Follow TCP Stream", "ctrl+Home", "ctrl+alt+shift+t")
        window.shows(as_listed(host, capture, "-Y", "tcp.stream eq 0"), "stream followed")
        window.shows(everything, "filter cleared", lambda: window.filter(""))
        window.opens("TCP Handshake: Overview", "alt+s", "Up", "Return")
        window.shows(everything, "reloaded", lambda: window.keys("ctrl+r"))
        window.again(lambda: window.keys("ctrl+w"), lambda: windows(window.display, "The Wireshark Network Analyzer"), "closed")
        assert window.quit() == []


def test_a_filter_that_was_there_before_the_file(host, screen, tmp_path):  # noqa: F811
    """A filter by what is final only at the end is applied once more when the file has been read, for the first time, again, and anew."""
    capture, failed = host.place(harness.SAMPLES / "showcase.pcapng"), "tcphs.conn.failed"
    assert host.numbers(capture, failed) != host.numbers(capture, failed, "-2"), "nothing to be put right"
    rows = as_listed(host, capture, "-Y", failed)
    with Window(host, screen, tmp_path, "-r", capture, "-Y", failed) as window:
        window.opened(capture.name)
        window.shows(rows, "filtered while it was read")
        for keys in ("ctrl+r", "ctrl+shift+l"):  # read again; dissected anew, as after a change of preferences
            window.keys(keys)
            time.sleep(A_WHILE)  # the list looks the same before and after
            window.shows(rows, keys)
        window.shows(as_listed(host, capture), "filter cleared", lambda: window.filter(""))
        assert window.quit() == []


def late_fates():
    """Connections whose first packets fill the top of the list and whose fate stands at the end of the file."""
    capture = Capture()
    talks = [Talk(capture, 41000 + i) for i in range(TOP)]
    for i, talk in enumerate(talks):
        talk.c("S")
        if i % 2:
            talk.s("SA", 0, 1)
    bulk = Talk(capture, 50000, to=9)
    bulk.open()
    for i in range(BEHIND // 2):
        bulk.c("PA", 1 + 10 * i, 1, data=b"0123456789", after=10)
        bulk.s("A", 1, 11 + 10 * i, after=10)
    for i, talk in enumerate(talks):
        if i % 4 == 1:
            talk.c("A", 1, 1)
        else:
            talk.s("RA" if i % 2 == 0 else "R", i % 2, 1 - i % 2)
    return capture.bytes()


def rules_of(host, capture, count):
    """The rule that colours each of the first packets, by tshark after a full pass."""
    lines = host.lines("-r", capture, "-2", "-C", profile.NAME, "--color", "-Y", f"frame.number <= {count}", "-T", "fields", "-e",
                       "frame.coloring_rule.name")
    return [line.removeprefix("TCP Handshake: ") for line in lines]


def as_pixel(colour):
    return bytes(int(c * 65535) >> 8 for c in colour)


def once_each(values):
    return [value for i, value in enumerate(values) if i == 0 or value != values[i - 1]]


def test_colours_and_verdicts_are_right_after_loading(host, screen, put, tmp_path):  # noqa: F811
    """Columns and colours may use tcphs.conn.* because the list is filled when all is known: nobody needs to scroll or to reload."""
    capture = put("late.pcap", late_fates())
    first = TOP + TOP // 2
    expected = once_each(rules_of(host, capture, first)[1:])  # the first row is selected
    assert {"failed handshake", "ok handshake"} == set(expected) and len(expected) >= 4
    names = {as_pixel(back): name for name, (_, back, _) in profile.colours().items()}
    with Window(host, screen, tmp_path, "-r", capture) as window:
        window.opened(capture.name)

        def coloured():
            seen = once_each([names[c] for c in window.column_of_pixels(IN_THE_LIST[0]) if c in names])
            return seen[:len(expected)] == expected
        window.until(coloured, f"colours {expected}")
        window.picture("coloured")
        wanted = as_listed(host, capture, "-Y", f"frame.number <= {first}")
        window.until(lambda: window.copied("Down", "Up", *["shift+Down"] * (first - 1)) == wanted, "verdicts")
        assert window.quit() == []


MAY_CAPTURE = ["setpriv", "--reuid", harness.NOBODY, "--regid", harness.NOBODY, "--clear-groups", "--inh-caps", "+net_raw,+net_admin",
               "--ambient-caps", "+net_raw,+net_admin"]
TRAFFIC = """
import socket, time
listener = socket.create_server(("127.0.0.1", 7001))
def talk():
    client = socket.create_connection(("127.0.0.1", 7001))
    server, _ = listener.accept()
    client.sendall(b"hello"); server.recv(5); client.close(); server.recv(1); server.close()
def knock():
    try: socket.create_connection(("127.0.0.1", 7002))
    except ConnectionRefusedError: pass
while True:
    talk(); knock(); time.sleep(0.2)
"""


@pytest.fixture
def apart():
    """How to start a program in a network namespace that has nothing but its loopback, and where connections are made and refused."""
    if os.getuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2")
    script = f"ip link set lo up && echo up && exec {sys.executable} -c '{TRAFFIC}'"
    traffic = subprocess.Popen(["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        if traffic.stdout.readline() != "up\n":
            pytest.skip("no network namespaces here")
        yield ["nsenter", "--target", traffic.pid, "--net"]
    finally:
        traffic.kill()
        traffic.communicate()


def test_live_capture(host, screen, apart, tmp_path):  # noqa: F811
    """Wireshark captures while connections come and go; what its list shows of each packet is what tshark reads from the file afterwards."""
    capture = host.output("live.pcapng")
    capture.unlink(missing_ok=True)
    options = ["-k", "-i", "lo", "-w", capture, "-a", "packets:60", "-f", "tcp"]
    with Window(host, screen, tmp_path, *options, command=[*apart, *MAY_CAPTURE]) as window:
        window.opened("live.pcapng")
        seen = window.until(lambda: [rows for rows in [window.copied()] if len(rows) == 60], "60 packets")[0]
        rows = as_listed(host, capture)
        verdict = [title for title, _ in profile.columns()].index("Verdict")
        # The verdict of a row that was drawn while the handshake was under way is what was known then.
        assert [(row[verdict], was[verdict]) for row, was in zip(rows, seen) if was[verdict] not in (row[verdict], "pending")] == []
        assert [row[:verdict] + row[verdict + 1:] for row in seen] == [row[:verdict] + row[verdict + 1:] for row in rows]
        assert {"established", "refused"} <= {row[verdict] for row in rows}
        window.shows(rows, "read again, the verdict is final in every row", lambda: window.keys("ctrl+r"))
        assert window.quit() == []


def test_a_filter_during_a_live_capture(host, screen, apart, tmp_path):  # noqa: F811
    """At the end of the capture the filter is applied once more, without anybody doing it."""
    capture = host.output("filtered.pcapng")
    capture.unlink(missing_ok=True)
    options = ["-k", "-i", "lo", "-w", capture, "-a", "packets:60", "-f", "tcp", "-Y", "tcphs.conn.failed"]
    with Window(host, screen, tmp_path, *options, command=[*apart, *MAY_CAPTURE]) as window:
        window.opened("filtered.pcapng")
        window.until(lambda: capture.exists() and len(as_listed(host, capture)) == 60, "60 packets")
        one, two = (host.numbers(capture, "tcphs.conn.failed", *passes) for passes in ([], ["-2"]))
        assert one != two, "nothing to be put right"
        window.shows(as_listed(host, capture, "-Y", "tcphs.conn.failed"), "captured")
        assert window.quit() == []
