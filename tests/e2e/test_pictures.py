"""What the host draws for us: flow graph, service response times, conversation filter, distribution of setup times.

Leaves to others: the tables (test_window_tables.py) and what the numbers in them ought to be (test_reports.py).
"""
import re

import pytest

import harness
import profile_files as profile
from harness import Sharkd
from packets import Capture, Talk
from test_gui import programs, read_xwd, screen, windows  # noqa: F401 - fixtures
from test_reports import as_json
from window import Window, missing

FLOW = "handshake"
CONVERSATION_MENU = {(4, 0): (315, 205)}  # where "Conversation Filter" stands in the menu Analyze, by the host's version


@pytest.fixture(scope="module")
def showcase(host):
    return host.place(harness.SAMPLES / "showcase.pcapng")


@pytest.fixture(scope="module")
def loaded(host, showcase):
    with Sharkd(host) as sharkd:
        sharkd.load(showcase)
        yield sharkd


# Flow graph


def test_the_flow_type_draws_handshakes(loaded):
    """One arrow for each segment that matters, which says its step, what a RST does and anomalies; one for ordinary ones in a row."""
    assert f"seqa:{FLOW}" in [one["tap"] for one in loaded.ask("info")["seqa"]]
    answer = loaded.ask("tap", tap0=f"seqa:{FLOW}")["taps"][0]
    flows = answer["flows"]
    assert answer["nodes"][:2] == ["192.0.2.1", "192.0.2.2"]
    assert [(one["n"], one["pn"], one["c"]) for one in flows[:7]] == [
        ([0, 1], [40401, 80], "step 1; client SYN-SENT, server LISTEN"),
        ([1, 0], [80, 40401], "step 2; client ESTABLISHED, server SYN-RECEIVED"),
        ([0, 1], [40401, 80], "step 3; client ESTABLISHED, server ESTABLISHED"),
        ([0, 1], [40401, 80], "client ESTABLISHED, server ESTABLISHED"),
        ([0, 1], [40401, 80], "close 1; client FIN-WAIT-1, server CLOSE-WAIT"),
        ([1, 0], [80, 40401], "close 2 close 3; client TIME-WAIT, server LAST-ACK"),
        ([0, 1], [40401, 80], "close 4; client TIME-WAIT, server CLOSED")]
    remarks = [one["c"].split(";")[0] for one in flows]
    assert "refused" in remarks and "not_acceptable !rst_inexact" in remarks
    assert loaded.ask("tap", tap0=f"seqa:{FLOW}")["taps"][0]["flows"] == flows


def test_the_flow_graph_on_the_command_line(host, showcase):
    """Numbers count from the start of either end; the host writes a line between two connections, and a filter chooses one."""
    def drawn(*args, display_filter=""):
        return host.ts("-q", "-z", f"flow,{FLOW},network{display_filter}", "-r", showcase, *args).stdout
    chosen = drawn(display_filter=",tcphs.id == 2")
    assert re.findall(r"\| +((?:SYN|RST)\S* seq=\S+)", chosen) == ["SYN seq=0", "RST,ACK seq=0"]
    assert re.findall(r"\|([^|]*)\n.*\(40402\)", chosen) == ["step 1; client SYN-SENT, server LISTEN", "refused; client CLOSED, server CLOSED"]
    everything = drawn()
    assert everything == drawn("-2") and "4 ordinary segments" in everything
    assert {line.split()[0] for line in everything.splitlines() if re.match(r"\d+ +\|\d", line)} == {"0", "1", "2", "3", "4"}


# Service response times


def found(host, capture, table, row):
    return host.numbers(capture, f"{table['f']}=={row['idx']}", "-2")


def test_response_times_lead_to_their_packets(host, loaded, showcase):
    """The host makes the filter of a row from the table's and the row's index: it must find the packets that the row is about."""
    ports, verdicts = loaded.ask("tap", tap0="srt:tcphs")["taps"][0]["tables"]
    rows = as_json(host, "conn", showcase)[0]
    setup = {}
    for row in rows:
        if row["tcphs.time.setup"] is not None:
            setup.setdefault(row["server_port"], []).append(row["tcphs.time.setup"])
    assert {row["idx"]: (row["num"], row["min"], row["max"]) for row in ports["r"]} == {p: (len(s), min(s), max(s)) for p, s in setup.items()}
    assert [found(host, showcase, ports, row) for row in ports["r"]] == [[3, 20]]
    counts = {row["n"]: row["num"] for row in verdicts["r"]}
    assert counts == {v: sum(r["tcphs.conn.verdict"] == v for r in rows) for v in {r["tcphs.conn.verdict"] for r in rows}}
    refused = next(row for row in verdicts["r"] if row["n"] == "refused")
    assert found(host, showcase, verdicts, refused) == [12, 13]


def test_response_times_on_the_command_line(host, loaded, everything):
    """Right at the end of one pass, and the same as in the host's tables."""
    rows = as_json(host, "srt", everything)[0]
    assert as_json(host, "srt", everything, "-2")[0] == rows
    with Sharkd(host) as sharkd:
        sharkd.load(everything)
        tables = sharkd.ask("tap", tap0="srt:tcphs")["taps"][0]["tables"]
    shown = {(table["n"].split(": ")[1], row["n"].strip()): (row["num"], round(row["min"], 9), round(row["max"], 9)) for table in tables
             for row in table["r"]}
    assert shown == {(row["by"], row["item"]): (row["count"], row["min"], row["max"]) for row in rows}


# Distribution


def attempts(pauses):
    capture = Capture()
    for i, pause in enumerate(pauses):
        talk = Talk(capture, 41000 + i)
        talk.c("S")
        talk.s("SA", 0, 1, after=pause)
        talk.c("A", 1, 1, after=0)
    return capture.bytes()


def test_distribution_of_setup_times(host, put):
    """Each setup time counts in one range; a range says its mean, least and most."""
    capture = put("spread.pcap", attempts([0, 99, 100, 1500, 1999, 200_000, 7_000_000]))
    rows = {r["item"]: r for r in as_json(host, "tree", capture)[0] if r["group"] == "Setup time (us)"}
    times = [float(t) for t in host.lines("-r", capture, "-Y", "tcphs.step == 3", "-T", "fields", "-e", "tcphs.time.setup")]
    assert len(times) == rows["all"]["count"] == 7 and sum(r["count"] for r in rows.values()) == 14
    for name, row in rows.items():
        least, most = (0, "") if name == "all" else name.split("-")
        inside = [t for t in times if int(least) <= int(t * 1e6 + 0.01) <= (int(most) if most else 10 ** 9)]
        assert row["count"] == len(inside), name
        assert (row["min"], row["max"]) == ((min(inside), max(inside)) if inside else (None, None)), name
    with Sharkd(host) as sharkd:
        sharkd.load(capture)
        tree = sharkd.ask("tap", tap0="stat:tcphs")["taps"][0]["stats"]
    shown = next(node for node in tree if node["name"] == "Setup time (us)")
    assert shown["count"] == 7 and {n["name"]: n["count"] for n in shown["sub"]} == {n: r["count"] for n, r in rows.items() if n != "all"}


# In a window


@pytest.fixture
def needed(host):
    if missing(host):
        pytest.skip("not installed: " + " ".join(missing(host)))


def refusing(seconds):
    capture = Capture()
    for i in range(4 * seconds):
        talk = Talk(capture, 42000 + i)
        talk.c("S", after=250_000)
        talk.s("RA", 0, 1, after=300)
    return capture.bytes()


def test_io_graphs_are_drawn(host, screen, needed, put, tmp_path):  # noqa: F811
    """A refusing minute stands there as bars in the colour that the profile gives to what failed."""
    capture = put("refusing.pcap", refusing(60))
    colour = bytes.fromhex(profile.graphs()["Failed, x10"][1].lstrip("#"))
    with Window(host, screen, tmp_path, "-r", capture) as window:
        window.opened(capture.name)
        window.again(lambda: window.keys("Escape", "Escape", "alt+s", "i"), lambda: windows(window.display, "I/O Graphs"), "I/O graphs")

        def drawn():
            _, _, rows = read_xwd(window.pixels)
            return sum(row.count(colour) for row in rows) > 1000
        window.until(drawn, "bars")
        window.gone("I/O Graphs")
        assert window.quit() == []


def test_conversation_filter(host, screen, needed, showcase, tmp_path):  # noqa: F811
    """The last entry of the menu shows the selected packet's connection."""
    if host.version[:2] not in CONVERSATION_MENU:
        pytest.skip(f"where the menu stands in {host.version} is not known")
    wanted = [str(n) for n in host.numbers(showcase, "tcphs.id == 4")]
    with Window(host, screen, tmp_path, "-r", showcase, "-g", "25") as window:
        window.opened(showcase.name)

        def choose():
            window.keys("Escape", "Escape", "alt+a")
            window.do("mousemove", *CONVERSATION_MENU[host.version[:2]], "click", 1)
            window.do("key", "--delay", 300, "Up", "Return")

        window.again(choose, lambda: [row[0] for row in window.copied()] == wanted, "the connection of frame 25")
        assert window.quit() == []


def test_response_times_in_a_window(host, screen, needed, showcase, tmp_path):  # noqa: F811
    with Window(host, screen, tmp_path, "-r", showcase, "-z", "tcphs,srt") as window:
        window.found("TCPHS Service Response Time")
        window.opened(showcase.name)
        window.gone("TCPHS Service Response Time")
        assert window.quit() == []
