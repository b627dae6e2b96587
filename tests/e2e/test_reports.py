"""The reports: the same from one pass, two passes and sharkd; right by an independent count; clear about what it cannot do.

Leaves to others: the text shown in the README (test_readme.py), Zeek's words (test_zeek.py), the windows (test_gui.py).
"""
import collections
import csv
import io
import json
import re
import struct

import pytest

from harness import LAB, SAMPLES, Sharkd, in_parallel
import profile_files as profile
from packets import Capture, Talk, SYN_OPTIONS, icmp, tcp

REPORTS = ["conn", "server", "client", "tree", "ladder", "srt"]
TABLES = ["conn", "server", "client"]
FAILURES = ["no_answer", "refused", "unreachable", "no_final_ack", "client_reset", "bad_ack", "challenged", "server_reset", "not_accepted"]
OTHERS = ["midstream", "pending", "one_sided"]


def report(host, name, capture, *args, fmt="text", ok=(0,), display_filter=""):
    ask = f"tcphs,{name}" + (f",{display_filter}" if display_filter else "")
    return host.ts("-q", "-z", ask, "-o", f"tcphs.report:{fmt}", "-r", capture, *args, ok=ok).stdout


def as_json(host, name, capture, *args, **more):
    """(rows, summary, capture quality)"""
    lines = [json.loads(line) for line in report(host, name, capture, *args, fmt="json", **more).splitlines()]
    assert list(lines[-2]) == ["report", "summary"] and list(lines[-1]) == ["report", "capture"]
    assert all(next(iter(line.items())) == ("report", name) for line in lines), "every line begins with the report it is of"
    return [{k: v for k, v in line.items() if k != "report"} for line in lines[:-2]], lines[-2]["summary"], lines[-1]["capture"]


def one_of(rows, **wanted):
    found = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    assert len(found) == 1, (wanted, rows)
    return found[0]


# The same everywhere


def test_one_pass_is_two_passes(host, share):
    ask = [x for name in REPORTS for x in ("-z", f"tcphs,{name}")]

    def differ(capture):
        one, two = (host.ts("-q", *ask, "-r", capture, *passes).stdout for passes in ([], ["-2"]))
        assert one.count("summary: connections ") == len(REPORTS)
        return capture.name if one != two else None
    assert [n for n in in_parallel(differ, share) if n] == []


@pytest.mark.parametrize("name", ["conn", "server", "client", "tree"])
def test_the_formats_say_the_same(host, everything, name):
    rows, summary, quality = as_json(host, name, everything)
    lines = report(host, name, everything, fmt="tsv").splitlines()
    comments = [l for l in lines if l.startswith("# ")]
    table = list(csv.DictReader(io.StringIO("\n".join(lines[:-2])), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(comments) == 2 and lines[-2:] == comments
    assert comments[0] == "# summary: " + ", ".join(f"{k} {v}" for k, v in summary.items())
    assert comments[1] == "# capture: " + ", ".join(f"{k} {v}" for k, v in quality.items())
    assert len(table) == len(rows) > 0

    def plain(value):
        if isinstance(value, list):
            return ",".join(value)
        return "" if value is None else str(value).lower() if isinstance(value, bool) else value
    for row, cells in zip(rows, table):
        assert list(row) == list(cells)
        for key, value in row.items():
            if isinstance(value, float):
                assert float(cells[key]) == value, key
            else:
                assert cells[key] == str(plain(value)), key


def shown_rows(sharkd, name):
    tap = sharkd.ask("tap", tap0=f"nstat:tcphs,{name}")["taps"][0]
    titles = [f["c"] for f in tap["fields"]]
    assert len(tap["tables"]) == 1
    return [dict(zip(titles, row)) for row in tap["tables"][0]["i"]]


# A window's title for what programs know by a key. Titles that are not here are in the one place (test_windows_*) where all are compared.
TITLES = {"conn": {"Id": "tcphs.id", "Client": "client_address", "C port": "client_port", "Server": "server_address", "S port": "server_port",
                   "Verdict": "tcphs.conn.verdict", "Setup ms": "tcphs.time.setup", "SYN": "tcphs.syn_count", "SYN-ACK": "tcphs.synack_count",
                   "Close": "tcphs.conn.close", "Closed by": "tcphs.conn.closed_by", "C packets": "client_packets",
                   "S packets": "server_packets", "C bytes": "client_bytes", "S bytes": "server_bytes", "Zeek": "tcphs.conn.zeek.state",
                   "History": "tcphs.conn.zeek.history", "Anomalies": "tcphs.anomaly"},
          "server": {"Server": "server_address", "Port": "server_port", "Attempts": "attempts", "Established": "established",
                     "Failed": "failed", "Failed %": "failure_rate", "Refused": "refused", "No answer": "no_answer",
                     "Unreachable": "unreachable", "No final ACK": "no_final_ack", "Client RST": "client_reset", "Bad ACK": "bad_ack",
                     "Challenged": "challenged", "Server RST": "server_reset", "Not accepted": "not_accepted", "Pending": "pending", "Min ms": "setup_min",
                     "Mean ms": "setup_mean", "P95 ms": "setup_p95", "Max ms": "setup_max", "Slow": "slow", "Resets": "resets",
                     "Half-open peak": "half_open_peak"},
          "client": {"Client": "client", "Attempts": "attempts", "Established": "established", "Failed": "failed",
                     "Failed %": "failure_rate", "Servers": "servers", "Ports": "ports", "Targets": "targets", "SYN scan": "scan_syn",
                     "Connect scan": "scan_connect", "NULL scan": "scan_null", "FIN scan": "scan_fin", "Xmas scan": "scan_xmas",
                     "ACK scan": "scan_ack", "Retried": "retried", "Wait ms": "longest_wait", "Resets": "resets", "Half-open peak": "half_open_peak"}}
DECIMALS = {"Setup ms": 2, "Wait ms": 2, "Min ms": 2, "Mean ms": 2, "P95 ms": 2, "Max ms": 2, "Failed %": 1}


def as_shown(title, value):
    """What a window shows of a value that programs get: times in ms with two decimals, never an empty cell."""
    if value in (None, []):
        return "-"
    if isinstance(value, list):
        return ",".join(value)
    if title.endswith(" ms"):
        return (round(value * 1e9) + 5000) // 10000 / 100  # half a step upwards
    if title == "Failed %":
        return round(value * 100, 1)
    return value


def as_value(title, shown):
    """The value in a cell of a window, once its padding is gone; padded texts must sort as their numbers do."""
    text = shown.strip() if isinstance(shown, str) else shown
    if title in DECIMALS and text != "-":
        assert re.fullmatch(r"\d+\.\d{%d}" % DECIMALS[title], text), (title, shown)
        return float(text)
    return int(text) if title.endswith(" bytes") else text


def ordered(rows):
    return sorted(rows, key=lambda row: [str(v) for v in row.values()])


@pytest.mark.parametrize("name", TABLES)
def test_sharkd_shows_the_same_rows(host, everything, name):
    with Sharkd(host) as sharkd:
        sharkd.load(everything)
        shown = shown_rows(sharkd, name)
        again = shown_rows(sharkd, name)
    rows = as_json(host, name, everything)[0]
    wanted = [{title: as_shown(title, row[key]) for title, key in TITLES[name].items()} for row in rows]
    got = [{title: as_value(title, row[title]) for title in TITLES[name]} for row in shown]
    assert ordered(got) == ordered(wanted)
    assert again == shown
    assert set(shown[0]) - set(TITLES[name]) <= {"Start", "Agreed"}


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_of_a_window_is_whole_and_sorts_as_its_number(host, everything, name):
    """The host copies and saves cells by their type, and sorts by it: a column has one type in all rows, and none is left empty."""
    with Sharkd(host) as sharkd:
        sharkd.load(everything)
        shown = shown_rows(sharkd, name)
    assert len(shown) > 10
    for title in shown[0]:
        cells = [row[title] for row in shown]
        assert len({type(cell) for cell in cells}) == 1 and "" not in cells, title
        if title in DECIMALS or title.endswith(" bytes"):
            values = [cell for cell in cells if cell.strip() != "-"]
            assert len({len(cell) for cell in cells}) == 1, title
            assert sorted(values) == sorted(values, key=float), title
        elif title not in ("Client", "Server", "Verdict", "Close", "Closed by", "Agreed", "Zeek", "History", "Anomalies"):
            assert isinstance(cells[0], float if title == "Start" else int), title


def leaves(nodes, above=""):
    for node in nodes:
        if above:
            yield (above, node["name"]), node["count"]
        yield from leaves(node.get("sub", []), node["name"])


def test_sharkd_shows_the_same_tree(host, everything):
    with Sharkd(host) as sharkd:
        sharkd.load(everything)
        assert "stat:tcphs" in [s["tap"] for s in sharkd.ask("info")["stats"]]
        tree = sharkd.ask("tap", tap0="stat:tcphs")["taps"][0]["stats"]
    rows = as_json(host, "tree", everything)[0]
    shown = {leaf: count for leaf, count in leaves(tree) if count}
    assert shown == {(r["group"], r["item"]): r["count"] for r in rows if r["count"] and r["item"] != "all"}


# Right


def truth():
    with open(LAB / "expect.tsv") as f:
        return list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.trust
@pytest.mark.skipif(not (LAB / "expect.tsv").exists(), reason="no lab beside this checkout")
def test_agrees_with_the_sockets(host, lab):
    """Every connection of the lab whose truth is one word: verdict, close and closer."""
    wanted, wrong, judged = collections.defaultdict(list), [], 0
    for row in truth():
        wanted[row["file"]].append(row)
    captures = [c for c in lab if c.name[4:] in wanted]
    for capture, (rows, _, _) in zip(captures, in_parallel(lambda c: as_json(host, "conn", c), captures)):
        of_pair = collections.defaultdict(list)
        for row in rows:
            of_pair[frozenset((row["client"], row["server"]))].append(row)
        seen = collections.Counter()
        for due in wanted[capture.name[4:]]:
            pair = frozenset((due["client"], due["server"]))
            got = of_pair[pair][seen[pair]] if seen[pair] < len(of_pair[pair]) else None
            seen[pair] += 1
            for column, key in (("verdict", "tcphs.conn.verdict"), ("close", "tcphs.conn.close"), ("closed_by", "tcphs.conn.closed_by")):
                if due[column] != "*":
                    judged += 1
                    if not got or str(got[key]) not in due[column].split("|"):
                        wrong.append(f"{capture.name} conn {due['conn']}: {column} {got and got[key]}, due {due[column]}")
    assert judged > 200
    assert len(wrong) <= judged * 0.02, wrong[:20]


def lines_of_fields(host, capture):
    """Every segment that belongs to one connection, by the fields of a packet: another way to the same numbers."""
    names = ["tcphs.id", "tcphs.from", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcphs.conn.verdict",
             "tcphs.conn.close", "tcphs.time.setup", "tcphs.icmp", "tcphs.conn.no_data"]
    args = [x for n in names for x in ("-e", n)]
    for line in host.lines("-2", "-r", capture, "-T", "fields", "-E", "occurrence=l", *args):
        row = dict(zip(names, line.split("\t")))
        if row["tcphs.id"] and not row["tcphs.icmp"]:
            yield row


def endpoint(row, side):
    v4, v6, port = row[f"ip.{side}"], row[f"ipv6.{side}"], row["tcp.srcport" if side == "src" else "tcp.dstport"]
    return f"{v4}:{port}" if v4 else f"[{v6}]:{port}"


VERDICTS = dict(enumerate(["", "established", *FAILURES[:-1], *OTHERS, "not_accepted", "unsolicited"]))


def counted(host, capture):
    """The connections of a capture, kept: two reports are held against them."""
    key = ("counted", str(capture))
    if key not in host.caches:
        host.caches[key] = count(host, capture)
    return host.caches[key]


def count(host, capture):
    connections = {}
    for row in lines_of_fields(host, capture):
        c = connections.setdefault(row["tcphs.id"], {"setup": None})
        if row["tcphs.from"] in ("1", "2"):
            c["server"] = endpoint(row, "dst" if row["tcphs.from"] == "1" else "src")
            c["client"] = endpoint(row, "src" if row["tcphs.from"] == "1" else "dst").rsplit(":", 1)[0].strip("[]")
        c["verdict"] = VERDICTS[int(row["tcphs.conn.verdict"] or 0)]
        c["reset"] = row["tcphs.conn.close"] in ("4", "5")
        if row["tcphs.time.setup"] and c["setup"] is None and c["verdict"] != "not_accepted":
            c["setup"] = float(row["tcphs.time.setup"])
    return [c for c in connections.values() if c["verdict"]]


def without_tunnels(samples):
    """Where a frame holds several headers, fields of different layers cannot be told apart by name."""
    return [s for s in samples if not re.search("tunnel|gre|vxlan|encap|ipip|icmp|gtp|geneve|nat", s.name)]


def test_servers_by_another_count(host, share):
    def check(capture):
        wanted = collections.defaultdict(lambda: collections.Counter(setups=[]))
        for c in counted(host, capture):
            sums = wanted[c["server"]]
            sums[c["verdict"]] += 1
            sums["resets"] += c["reset"]
            if c["setup"] is not None:
                sums["setups"].append(c["setup"])
        rows = {r["server"]: r for r in as_json(host, "server", capture)[0]}
        assert set(rows) == set(wanted), capture.name
        for server, sums in wanted.items():
            row, failed = rows[server], sum(sums[f] for f in FAILURES)
            assert {k: row[k] for k in ["established", "resets", *FAILURES, *OTHERS]} == {
                k: sums[k] for k in ["established", "resets", *FAILURES, *OTHERS]}, (capture.name, server)
            assert (row["failed"], row["attempts"]) == (failed, failed + sums["established"] + sums["pending"])
            setups = sorted(sums["setups"])
            if setups:
                rank = -(-95 * len(setups) // 100)
                due = [setups[0], sum(setups) / len(setups), setups[rank - 1], setups[-1]]
                got = [row[f"setup_{k}"] for k in ("min", "mean", "p95", "max")]
                assert got == pytest.approx(due, abs=1e-8), (capture.name, server)
    in_parallel(check, without_tunnels(share))


def test_clients_by_another_count(host, share):
    def check(capture):
        wanted = collections.defaultdict(lambda: {"servers": set(), "ports": set(), "targets": set(), "failed": 0})
        for c in counted(host, capture):
            sums, (address, port) = wanted[c["client"]], c["server"].rsplit(":", 1)
            sums["servers"].add(address)
            sums["ports"].add(port)
            sums["targets"].add(c["server"])
            sums["failed"] += c["verdict"] in FAILURES
        rows = {r["client"]: r for r in as_json(host, "client", capture)[0] if r["attempts"]}
        for client, row in rows.items():
            due = {k: len(v) if isinstance(v, set) else v for k, v in wanted[client].items()}
            assert {k: row[k] for k in due} == due or row["scan_null"] + row["scan_fin"] + row["scan_xmas"] > 0, (capture.name, client)
    in_parallel(check, without_tunnels(share))


def test_summary_and_tree_add_up(host, everything):
    rows, summary, quality = as_json(host, "conn", everything)
    verdicts = collections.Counter(r["tcphs.conn.verdict"] for r in rows)
    assert summary["probes"] == verdicts.pop(None, 0)
    assert summary["connections"] == sum(verdicts.values())
    assert summary["failed"] == sum(verdicts[f] for f in FAILURES) == sum(r["tcphs.conn.failed"] for r in rows)
    assert {v: summary[v] for v in ["established", *FAILURES, *OTHERS]} == {v: verdicts[v] for v in ["established", *FAILURES, *OTHERS]}
    assert quality["connections_with_assumptions"] == sum(r["tcphs.assumed"] for r in rows)
    assert quality["copies"] > 0 and quality["cut_frames"] > 0
    tree = as_json(host, "tree", everything)[0]
    anomalies = collections.Counter(name for r in rows for name in r["tcphs.anomaly"])
    assert {r["item"]: r["count"] for r in tree if r["group"] == "Anomalies"} == anomalies
    assert [r["tcphs.id"] for r in rows] == [r["tcphs.id"] for r in sorted(rows, key=lambda r: (r["start"], r["tcphs.id"]))]


def test_text_is_for_people(host, everything):
    """At 120 columns, what does not fit goes on a second line, the header's too."""
    for name in REPORTS:
        lines = report(host, name, everything).splitlines()
        assert lines[0].startswith("summary: connections ")
        assert any(line.startswith("capture: frames ") for line in lines[-3:])
        wide = [line for line in lines if len(line) > 120]
        assert [line for line in wide if name != "ladder" or "!" not in line] == []
        assert not [line for line in lines if line != line.rstrip()]


def stamped(value, echo):
    return bytes.fromhex("020405b4" "0402" "080a") + struct.pack("!II", value, echo) + bytes.fromhex("01" "030307")


def test_what_was_agreed(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("SEC", options=stamped(1, 0))
    talk.s("SAE", 0, 1, options=bytes.fromhex("02040564" "01030302"))
    talk.c("A", 1, 1)
    Talk(cap, 40002).c("S", options=b"\x04\x02")
    Talk(cap, 40003).c("S", options=stamped(1, 0))
    path = put("agreed.pcap", cap.bytes())
    text = report(host, "conn", path)
    assert re.findall(r"1460/1380 ws7/2 ecn$|1460/-$", text, re.M) == ["1460/1380 ws7/2 ecn", "1460/-"]
    opened, bare, unanswered = as_json(host, "conn", path)[0]
    assert [opened[f"tcphs.{k}"] for k in ("client.mss", "server.mss", "client.window_scale", "server.window_scale")] == [1460, 1380, 7, 2]
    agreed = [f"tcphs.agreed.{k}" for k in ("window_scale", "sack", "timestamps", "ecn", "mptcp")]
    assert [opened[k] for k in agreed] == [True, False, False, True, False]
    assert bare["tcphs.client.mss"] is None and {unanswered[k] for k in agreed} == {None} and unanswered["tcphs.client.mss"] == 1460
    with Sharkd(host) as sharkd:
        sharkd.load(path)
        assert [row["Agreed"] for row in shown_rows(sharkd, "conn")] == ["1460/1380 ws7/2 ecn", "-", "1460/-"]


def test_attempts_of_a_client_in_order(host, put):
    """Refused, refused on another port, then connected on a third; another target at once; and one that comes much later."""
    cap = Capture()

    def refused(port, **more):
        talk = Talk(cap, port)
        talk.c("S", options=SYN_OPTIONS, **more)
        talk.s("RA", -talk.irs, 1)

    def opened(port, to=80, **more):
        talk = Talk(cap, port, to=to)
        talk.c("S", options=SYN_OPTIONS, **more)
        talk.s("SA", 0, 1, options=SYN_OPTIONS)
        talk.c("A", 1, 1)
    refused(40001)
    refused(40002, after=1_000_000)
    opened(40003, after=2_000_000)
    opened(40004, to=81)
    refused(40005)
    opened(40006, after=70_000_000)
    row, = as_json(host, "client", put("tries.pcap", cap.bytes()))[0]
    assert (row["established"], row["failed"], row["retried"]) == (3, 3, 2)
    assert row["longest_wait"] == pytest.approx(3.004, abs=1e-6)


def test_bytes_and_packets(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.open()
    talk.c("PA", 1, 1, data=b"x" * 100)
    talk.c("PA", 1, 1, data=b"x" * 100)  # sent again
    talk.s("PA", 1, 101, data=b"y" * 30)
    row = as_json(host, "conn", put("bytes.pcap", cap.bytes()))[0][0]
    assert (row["client_packets"], row["client_bytes"], row["server_packets"], row["server_bytes"]) == (4, 200, 2, 30)
    assert row["start"] == "2023-11-14T22:13:20.001000000Z" and row["duration"] == pytest.approx(0.005)
    assert (row["client"], row["client_address"], row["client_port"]) == ("192.0.2.1:40001", "192.0.2.1", 40001)


def test_slow_setups(host, put):
    cap = Capture()
    for port, delay in ((40001, 1000), (40002, 250_000)):
        talk = Talk(cap, port)
        talk.c("S", options=SYN_OPTIONS)
        talk.s("SA", 0, 1, options=SYN_OPTIONS, after=delay)
        talk.c("A", 1, 1)
    path = put("slow.pcap", cap.bytes())
    assert as_json(host, "server", path)[0][0]["slow"] == 1
    assert as_json(host, "server", path, "-o", "tcphs.slow_setup:300")[0][0]["slow"] == 0


# Scans and floods


def scan(answer, ports=range(1, 21), flags="S"):
    cap = Capture()
    for port in ports:
        talk = Talk(cap, 50000, to=port, iss=1000 * port)
        talk.c(flags, 0, 1)
        answer(talk, port)
    return cap


def refuse(talk, _port=0):
    talk.s("RA", -talk.irs, 1)


def open_or_closed(then):
    """Every fourth port is open."""
    def answer(talk, port):
        if port % 4:
            refuse(talk)
        else:
            talk.s("SA", 0, 1)
            then(talk)
    return answer


def connect_and_leave(talk):
    talk.c("A", 1, 1)
    talk.c("RA", 1, 1)


def nothing(*_):
    pass


SCANS = {"syn": (scan, open_or_closed(lambda t: t.c("R", 1)), "S"),
         "connect": (scan, open_or_closed(connect_and_leave), "S"),
         "null": (scan, nothing, ""), "fin": (scan, nothing, "F"), "xmas": (scan, nothing, "FPU"),
         "ack": (scan, lambda t, _: t.s("R", 1 - 0), "A")}


@pytest.mark.parametrize("kind", SCANS)
def test_kinds_of_scan(host, put, kind):
    make, answer, flags = SCANS[kind]
    path = put("scan.pcap", make(answer, flags=flags).bytes())
    row = one_of(as_json(host, "client", path)[0], client="192.0.2.1")
    assert row["targets"] == 20 and row["ports"] == 20 and row["servers"] == 1
    assert {k: row[f"scan_{k}"] for k in SCANS} == {k: 20 if k == kind else 0 for k in SCANS}
    assert f"{kind} 20" in report(host, "client", path)


def test_a_service_that_is_down_is_no_scan(host, put):
    cap = Capture()
    for n in range(50):
        talk = Talk(cap, 41000 + n)
        talk.c("S")
        refuse(talk)
    row = one_of(as_json(host, "client", put("down.pcap", cap.bytes()))[0], client="192.0.2.1")
    assert row["failed"] == 50 and all(row[f"scan_{k}"] == 0 for k in SCANS)


def test_health_checks_are_no_scan(host, put):
    cap = Capture()
    for n in range(50):
        talk = Talk(cap, 41000 + n)
        talk.open()
        talk.c("FA", 1, 1), talk.s("FA", 1, 2), talk.c("A", 2, 2)
    row = one_of(as_json(host, "client", put("health.pcap", cap.bytes()))[0], client="192.0.2.1")
    assert row["established"] == 50 and row["targets"] == 1 and all(row[f"scan_{k}"] == 0 for k in SCANS)


def test_half_open_peak(host, put):
    """Three SYNs, two of them answered and completed before the fourth comes; a flood of ten from elsewhere."""
    cap = Capture()
    talks = [Talk(cap, 40001 + n) for n in range(4)]
    for talk in talks[:3]:
        talk.c("S")
    for talk in talks[:2]:
        talk.s("SA", 0, 1)
        talk.c("A", 1, 1)
    talks[3].c("S")
    for n in range(10):
        Talk(cap, 5000, client=f"203.0.113.{n + 1}").c("S", after=1_000_000)
    path = put("flood.pcap", cap.bytes())
    rows = as_json(host, "client", path)[0]
    assert one_of(rows, client="192.0.2.1")["half_open_peak"] == 3
    assert one_of(as_json(host, "server", path)[0], server="198.51.100.7:80")["half_open_peak"] == 12
    # An attempt that nobody ends is forgotten after a minute.
    Talk(cap, 40009).c("S", after=120_000_000)
    rows = as_json(host, "server", put("later.pcap", cap.bytes()))[0]
    assert rows[0]["half_open_peak"] == 12


# What was asked for


def test_filter(host, samples):
    showcase = next(s for s in samples if s.name == "showcase.pcapng")
    rows = as_json(host, "conn", showcase, display_filter="ip.addr==192.0.2.66")[0]
    assert [r["client_address"] for r in rows] == ["192.0.2.66"]
    failed = as_json(host, "conn", showcase, "-2", display_filter="tcphs.conn.failed")[0]
    assert {r["tcphs.conn.verdict"] for r in failed} == {"no_answer", "refused", "bad_ack"}
    whole = as_json(host, "conn", showcase, display_filter="tcp.flags.fin==1")[0]
    assert whole[0]["client_packets"] == 6, "a filter chooses connections, it does not cut them"


def test_a_ladder_is_whole_whatever_the_filter(host, samples):
    showcase = next(s for s in samples if s.name == "showcase.pcapng")
    all_of_them = report(host, "ladder", showcase).split("\n\n")
    chosen = report(host, "ladder", showcase, display_filter="tcphs.anomaly").split("\n\n")
    assert [part.split(",")[0] for part in chosen[1:]] == ["Connection 3: bad_ack", "Connection 4: established"]
    assert chosen[1:] == all_of_them[-2:]


def refused(host, *args):
    """What tshark says when it writes no report and ends with a failure."""
    done = host.run(host.tshark, "-n", "-q", *args)
    assert done.returncode == 1 and done.stdout == "", (done.returncode, done.stdout[:200], done.stderr)
    return done.stderr


@pytest.mark.parametrize("ask", ["tcphs,con", "tcphs,nonsense", "tcphs,connections", "tcphs", "tcphs,", "tcphsconn"])
def test_a_misspelt_name_lists_those_there_are(host, samples, ask):
    said = refused(host, "-z", ask, "-r", samples[0]).splitlines()
    assert f'Invalid -z argument "{ask}"; it must be one of:' in said[0]
    assert [line.strip() for line in said[1:]] == [f"tcphs,{name}" for name in REPORTS]


@pytest.mark.parametrize("ask, error", [("tcphs,conn,ip.addr==", "is invalid|end of filter"), ("tcphs,conn,no.such.field", "no.such.field")])
def test_bad_filter(host, samples, ask, error):
    assert re.search(error, refused(host, "-z", ask, "-r", samples[0]))


@pytest.mark.parametrize("fmt", ["xml", "", "TEXT"])
def test_bad_format(host, samples, fmt):
    said = refused(host, "-z", "tcphs,conn", "-o", f"tcphs.report:{fmt}", "-r", samples[0])
    assert f'tcphs.report must be text, tsv or json, not "{fmt}"' in said


@pytest.mark.parametrize("fmt", ["tsv", "json"])
def test_a_ladder_is_text(host, samples, fmt):
    said = refused(host, "-z", "tcphs,conn", "-z", "tcphs,ladder", "-o", f"tcphs.report:{fmt}", "-r", samples[0])
    assert "tcphs,ladder" in said and f"not written as {fmt}" in said


@pytest.mark.parametrize("name", REPORTS)
def test_without_the_protocol_there_is_no_report(host, samples, name):
    said = refused(host, "-z", f"tcphs,{name}", "--disable-protocol", "tcphs", "-r", samples[0])
    assert f"tcphs,{name}: the protocol tcphs is disabled" in said


# One pass, two passes


@pytest.fixture(scope="session")
def showcase(samples):
    return next(s for s in samples if s.name == "showcase.pcapng")


@pytest.mark.parametrize("name", REPORTS)
def test_a_filter_by_what_is_final_later_needs_a_second_pass(host, showcase, name):
    ask = f"tcphs,{name},tcphs.conn.failed"
    said = refused(host, "-z", ask, "-r", showcase)
    assert len(said.splitlines()) == 1 and f"-z {ask}: " in said and "-2" in said
    done = host.ts("-2", "-q", "-z", ask, "-r", showcase)
    assert done.stderr == "" and "summary: connections 3, failed 3" in done.stdout


def test_other_reports_of_the_run_are_written(host, showcase):
    done = host.ts("-q", "-z", "tcphs,conn,tcphs.conn.failed", "-z", "tcphs,server", "-z", "conv,tcp", "-r", showcase, ok=(1,))
    assert report(host, "server", showcase) in done.stdout and "TCP Conversations" in done.stdout
    assert done.stdout.count("summary: ") == 1


def test_a_macro_may_hide_what_is_final_later(host, showcase):
    """The profile's macro "half_open" is a filter by the verdict."""
    profile.place(host)
    assert "-2" in refused(host, "-C", profile.NAME, "-z", "tcphs,conn,${half_open}", "-r", showcase)


def test_a_filter_by_segments_needs_one_pass(host, showcase):
    done = host.ts("-q", "-z", 'tcphs,conn,tcphs.rst.kind == "refused"', "-r", showcase)
    assert done.stderr == "" and "refused 1" in done.stdout


@pytest.mark.parametrize("name", REPORTS)
def test_empty_capture(host, put, name):
    path = put("empty.pcap", Capture().bytes())
    text = report(host, name, path).splitlines()
    assert text[0] == "summary: connections 0" and text[-1] == "capture: frames 0"
    if name != "ladder":
        assert len(text) == 3 or name == "tree"
        tsv = report(host, name, path, fmt="tsv").splitlines()
        assert len([l for l in tsv if not l.startswith("#")]) == 1 or name == "tree"
        rows, summary, _ = as_json(host, name, path)
        assert (rows == [] or name == "tree") and set(summary.values()) == {0}


def test_no_tcp_at_all(host, put):
    cap = Capture()
    cap.ip("192.0.2.1", "192.0.2.2", icmp(8, 0, b"ping"), proto=1)
    rows, summary, quality = as_json(host, "conn", put("ping.pcap", cap.bytes()))
    assert rows == [] and summary["connections"] == 0 and quality["frames"] == 1


def test_write_error(host, samples):
    done = host.run("sh", "-c", f"exec {host.tshark} -n -q -z tcphs,conn -r {samples[0]} > /dev/full")
    assert done.returncode == 1 and "could not be written" in done.stderr


def test_a_report_without_a_reader_ends_quietly(host, everything):
    """As `| head -1` does it, but for certain: nobody reads from the pipe any more when the first byte is written."""
    ask = " ".join(f"-z tcphs,{name}" for name in REPORTS)
    script = f"{host.tshark} -n -q {ask} -r {everything} | exec sleep 0; echo ${{PIPESTATUS[0]}}"
    done = host.run("bash", "-c", script)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_two_reports_in_one_run(host, samples):
    showcase = next(s for s in samples if s.name == "showcase.pcapng")
    both = host.ts("-q", "-z", "tcphs,conn", "-z", "tcphs,server", "-r", showcase).stdout
    one, other = report(host, "conn", showcase), report(host, "server", showcase)
    assert both in (one + other, other + one)  # the host decides on the order


@pytest.mark.parametrize("name", REPORTS)
def test_a_session_that_is_reset_is_reported_before_it_is_dropped(host, samples, name):
    """tshark -M forgets all packets now and then: each session gets a report of its own, and what it found is that of its packets alone."""
    busy = next(s for s in samples if s.name == "many-kinds.pcapng")
    frames, each = len(host.frames(busy)), 50
    done = host.ts("-M", each, "-q", "-z", f"tcphs,{name}", "-r", busy)
    parts = done.stdout.split("summary: ")[1:]
    counted = [int(re.search(r"capture: frames (\d+)", part).group(1)) for part in parts]
    assert len(parts) > 2 and sum(counted) == frames and max(counted) <= each + 1
    whole = report(host, name, busy).split("summary: ")[1:]
    assert len(whole) == 1 and parts[0].splitlines()[0] != whole[0].splitlines()[0]


# Verdicts at the edges


def verdict_of(host, put, cap, name="edge.pcap"):
    return as_json(host, "conn", put(name, cap.bytes()))[0][0]["tcphs.conn.verdict"]


def test_pending_and_no_answer(host, put):
    cap = Capture()
    Talk(cap, 40001).c("S")
    assert verdict_of(host, put, cap) == "pending"
    cap.ip("192.0.2.9", "192.0.2.8", icmp(8, 0, b"ping"), proto=1, after=1_500_000)  # the capture went on, without an answer
    assert verdict_of(host, put, cap, "later.pcap") == "no_answer"


def test_a_client_that_gives_up_had_no_answer(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S"), talk.c("S", after=1_000_000), talk.c("R", 1)
    assert verdict_of(host, put, cap) == "no_answer"


def test_unreachable(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S", options=SYN_OPTIONS)
    cap.ip("198.51.100.1", talk.client[0], icmp(3, 13, talk.quoted(8)), proto=1)
    talk.c("R", 1)
    assert verdict_of(host, put, cap) == "unreachable"


def test_one_sided(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S"), talk.c("A", 1, 1), talk.c("PA", 1, 1, data=b"x" * 10), talk.c("A", 11, 500)
    rows, _, quality = as_json(host, "conn", put("half.pcap", cap.bytes()))
    assert rows[0]["tcphs.conn.verdict"] == "one_sided" and quality["connections_one_sided"] == 1


@pytest.mark.parametrize("name, rows", [("conn", ["web.example:PORT", "c.example:40401"]), ("server", ["web.example:PORT"]), ("client", ["c.example "]),
                                        ("ladder", ["web.example:PORT", "c.example:40401"])])
def test_names_stand_where_they_are_resolved(host, name, rows):
    """As conv,tcp shows them, which knows names of ports only where the host has its list of services."""
    hosts = host.output("hosts")
    hosts.write_text("192.0.2.1 c.example\n192.0.2.2 web.example\n")
    hosts.chmod(0o644)
    capture = host.place(SAMPLES / "showcase.pcapng")
    resolved = ["-N", "nt", "-H", hosts, "-q", "-r", capture]
    port = re.search(r"web\.example:(http|80)\b", host.ts(*resolved, "-z", "conv,tcp").stdout).group(1)
    text = host.ts(*resolved, "-z", f"tcphs,{name}").stdout
    assert all(row.replace("PORT", port) in text for row in rows) and "192.0.2.2:" not in text and "192.0.2.1:" not in text
    assert "192.0.2.99" in text or name in ("client", "ladder")
    assert ".example" not in host.ts("-n", "-H", hosts, "-q", "-r", capture, "-z", f"tcphs,{name}").stdout


@pytest.mark.parametrize("name, ends", [("conn", ("client", "server")), ("server", ("server",)), ("client", ("client",))])
def test_programs_get_numbers_and_names(host, name, ends):
    hosts = host.output("hosts")
    hosts.write_text("192.0.2.1 c.example\n192.0.2.2 web.example\n")
    hosts.chmod(0o644)
    capture = host.place(SAMPLES / "showcase.pcapng")
    lines = host.ts("-N", "n", "-H", hosts, "-q", "-r", capture, "-o", "tcphs.report:json", "-z", f"tcphs,{name}").stdout.splitlines()
    rows = [row for row in map(json.loads, lines) if f"{ends[0]}_name" in row]
    names = {"192.0.2.1": "c.example", "192.0.2.2": "web.example"}
    assert rows
    for row in rows:
        for end in ends:
            address = row.get(f"{end}_address", row[end])
            assert address[0].isdigit() and row[f"{end}_name"] == names.get(address)
