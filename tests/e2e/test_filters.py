"""The commands a user types, on a small capture whose every frame is known: filters, -T fields, json, ek, expert summary, Info column.

Leaves to others: the rules themselves in all their cases (unit tests, lab).
"""
import json
import re

import pytest

from harness import Pairs, Sharkd, flatten, in_parallel
from packets import Capture, Talk, SYN_OPTIONS, icmp

SECOND = 1_000_000
LATER = 20 * SECOND  # far beyond any retry, so that no connection of the capture is still undecided at its end


def healthy(cap):
    t = Talk(cap, 40001)
    data, answer = b"x" * 10, b"y" * 20
    return [*t.open(), t.c("PA", 1, 1, data=data), t.s("A", 1, 11), t.s("PA", 1, 11, data=answer), t.c("A", 11, 21),
            t.c("FA", 11, 21), t.s("A", 21, 12), t.s("FA", 21, 12), t.c("A", 12, 22)]


def refused(cap):
    t = Talk(cap, 40002)
    return [t.c("S", options=SYN_OPTIONS, after=LATER), t.s("RA", 0 - t.irs, 1, window=0)]


def unanswered(cap):
    t = Talk(cap, 40003)
    return [t.c("S", options=SYN_OPTIONS, after=wait) for wait in (LATER, SECOND, 2 * SECOND)]


def synack_with_bad_ack(cap):
    t = Talk(cap, 40004)
    return [t.c("S", options=SYN_OPTIONS, after=LATER), t.s("SA", 0, 101, options=SYN_OPTIONS), t.c("R", 101, window=0)]


def aborted_by_server(cap, port=40005):
    t = Talk(cap, port)
    cap.now += LATER
    return [*t.open(), t.c("PA", 1, 1, data=b"hello"), t.s("RA", 1, 6, window=0)]


def client_falls_silent(cap):
    t = Talk(cap, 40006)
    return [t.c("S", options=SYN_OPTIONS, after=LATER)] + [t.s("SA", 0, 1, options=SYN_OPTIONS, after=w) for w in (1000, SECOND, 2 * SECOND)]


def unreachable(cap):
    t = Talk(cap, 40007)
    syn = t.c("S", options=SYN_OPTIONS, after=LATER)
    return [syn, cap.ip("203.0.113.1", t.client[0], icmp(3, 1, t.quoted(8)), proto=1)]


def bad_final_ack(cap):
    t = Talk(cap, 40008)
    return [t.c("S", options=SYN_OPTIONS, after=LATER), t.s("SA", 0, 1, options=SYN_OPTIONS), t.c("A", 1, 500), t.s("R", 500, window=0)]


def challenged(cap):
    """The server still holds an older connection of these ports; its numbers are far from those of the new SYN."""
    t = Talk(cap, 40009)
    return [t.c("S", options=SYN_OPTIONS, after=LATER), t.s("A", 77, -30000)]


def reset_by_client(cap):
    t = Talk(cap, 40010)
    return [t.c("S", options=SYN_OPTIONS, after=LATER), t.s("SA", 0, 1, options=SYN_OPTIONS), t.c("R", 1, window=0)]


def three_segment_close(cap):
    t = Talk(cap, 40011)
    cap.now += LATER
    return [*t.open(), t.c("FA", 1, 1), t.s("FA", 1, 2), t.c("A", 2, 2)]


def midstream(cap):
    t = Talk(cap, 40012)
    return [t.c("PA", 5000, 900, data=b"z" * 10, after=LATER), t.s("A", 900, 5010), t.s("PA", 900, 5010, data=b"w" * 5), t.c("A", 5010, 905)]


def null_probe(cap):
    return [Talk(cap, 40013).c("", after=LATER)]


def xmas_probe(cap):
    return [Talk(cap, 40014).c("FPU", after=LATER)]


STORIES = (healthy, refused, unanswered, synack_with_bad_ack, aborted_by_server, client_falls_silent, unreachable, bad_final_ack, challenged,
           reset_by_client, three_segment_close, midstream, null_probe, xmas_probe)
# Filter -> story -> which of its frames (counted from 1) pass.
ONE_PASS = {
    "tcphs.step == 1": {"healthy": [1], "refused": [1], "unanswered": [1, 2, 3], "synack_with_bad_ack": [1], "aborted_by_server": [1],
                        "client_falls_silent": [1], "unreachable": [1], "bad_final_ack": [1], "challenged": [1], "reset_by_client": [1],
                        "three_segment_close": [1]},
    "tcphs.step == 2": {"healthy": [2], "aborted_by_server": [2], "client_falls_silent": [2, 3, 4], "bad_final_ack": [2],
                        "reset_by_client": [2], "three_segment_close": [2]},
    "tcphs.step == 3": {"healthy": [3], "aborted_by_server": [3], "three_segment_close": [3]},
    'tcphs.stage == "SYN_RECEIVED"': {"healthy": [2], "aborted_by_server": [2], "client_falls_silent": [2, 3, 4], "bad_final_ack": [2, 3, 4],
                                      "reset_by_client": [2], "three_segment_close": [2]},
    'tcphs.stage == "ESTABLISHED"': {"healthy": [3, 4, 5, 6, 7], "aborted_by_server": [3, 4], "three_segment_close": [3]},
    'tcphs.stage == "CLOSING"': {"healthy": [8, 9, 10], "three_segment_close": [4, 5]},
    'tcphs.stage == "CLOSED"': {"healthy": [11], "three_segment_close": [6]},
    'tcphs.stage == "RESET"': {"refused": [2], "aborted_by_server": [5], "reset_by_client": [3]},
    'tcphs.stage == "MIDSTREAM"': {"midstream": [1, 2, 3, 4]},
    "tcphs.id && !tcphs.stage && !tcphs.icmp": {"null_probe": [1], "xmas_probe": [1]},
    "tcphs.close_step == 1": {"healthy": [8], "three_segment_close": [4]},
    "tcphs.close_step == 2": {"healthy": [9], "three_segment_close": [5]},
    "tcphs.close_step == 3": {"healthy": [10], "three_segment_close": [5]},
    "tcphs.close_step == 4": {"healthy": [11], "three_segment_close": [6]},
    'tcphs.client.state == "FIN-WAIT-2"': {"healthy": [9]},
    'tcphs.client.state == "TIME-WAIT"': {"healthy": [10, 11], "three_segment_close": [5, 6]},
    'tcphs.server.state == "LAST-ACK"': {"healthy": [10], "three_segment_close": [5]},
    # An RST that answers a bad ack is right for its sender, yet its receiver does not accept it: either reading is fair.
    'tcphs.anomaly && !(tcphs.rst.kind == "not_acceptable")': {
        "synack_with_bad_ack": [2], "aborted_by_server": [5], "bad_final_ack": [4], "challenged": [2], "reset_by_client": [3],
        "null_probe": [1], "xmas_probe": [1]},
    "tcphs.anomaly.synack_bad_ack": {"synack_with_bad_ack": [2]},
    # Captured data may be missing between, so the server's RST is what proves the ack wrong.
    "tcphs.anomaly.final_ack_bad": {"bad_final_ack": [4]},
    "tcphs.anomaly.ack_in_syn_sent": {"challenged": [2]},
    "tcphs.anomaly.rst_in_handshake": {"reset_by_client": [3]},
    "tcphs.expert.rst_without_fin": {"aborted_by_server": [5]},
    "tcphs.anomaly.flags_none": {"null_probe": [1]},
    "tcphs.anomaly.xmas": {"xmas_probe": [1]},
    "tcphs.rst.kind == 1": {"refused": [2]},
    'tcphs.rst.kind == "aborts_handshake"': {"reset_by_client": [3]},
    'tcphs.rst.kind == "aborts_connection"': {"aborted_by_server": [5]},
    # A repeated SYN-ACK is a duplicate for a client that must be believed ESTABLISHED.
    "tcphs.accepted == 0 && tcp.flags.syn == 1": {"synack_with_bad_ack": [2], "client_falls_silent": [3, 4]},
    "tcphs.ack.delta == 100": {"synack_with_bad_ack": [2]},
    "tcphs.ack.delta == 499": {"bad_final_ack": [3]},
    "tcphs.ack.delta == 0 && tcphs.step == 3": {"healthy": [3], "aborted_by_server": [3], "three_segment_close": [3]},
    'tcphs.event == "established"': {"healthy": [3], "aborted_by_server": [3], "three_segment_close": [3]},
    'tcphs.event == "ended" && tcphs.stage == "CLOSED"': {"healthy": [11], "three_segment_close": [6]},
    "tcphs.syn_count == 3": {"unanswered": [3]},
    "tcphs.synack_count == 3": {"client_falls_silent": [4]},
    "tcphs.icmp": {"unreachable": [2]},
    "tcphs.copy": {},
    "tcphs.assumed && tcphs.stage": {"midstream": [1, 2, 3, 4]},
    "tcphs.time.setup == 0.002": {"healthy": [3], "aborted_by_server": [3], "three_segment_close": [3]},
    'tcphs.from == "server" && tcphs.step': {"healthy": [2], "aborted_by_server": [2], "client_falls_silent": [2, 3, 4], "bad_final_ack": [2],
                                             "reset_by_client": [2], "three_segment_close": [2]},
}
VERDICTS = {"healthy": 1, "refused": 3, "unanswered": 2, "synack_with_bad_ack": 7, "aborted_by_server": 1, "client_falls_silent": 5,
            "unreachable": 4, "bad_final_ack": 7, "challenged": 8, "reset_by_client": 6, "three_segment_close": 1, "midstream": 10}
CLOSES = {"healthy": 3, "refused": 6, "unanswered": 6, "aborted_by_server": 5, "client_falls_silent": 6, "unreachable": 6,
          "three_segment_close": 3}
CLOSED_BY = {"healthy": 1, "aborted_by_server": 2, "three_segment_close": 1}


@pytest.fixture(scope="module")
def known(host):
    """The capture and, per story, its frame numbers."""
    cap = Capture()
    frames = {story.__name__: story(cap) for story in STORIES}
    path = host.folder("made") / "known.pcap"
    path.write_bytes(cap.bytes())
    path.chmod(0o644)
    return path, frames


def by_tshark(host, path, *passes):
    """What every filter lets through; asked in parallel, for there are many. A refused filter answers with words."""
    def ask(display_filter):
        done = host.run(host.tshark, "-n", "-r", path, *passes, "-Y", display_filter, "-T", "fields", "-e", "frame.number")
        return done.stderr if done.returncode else [int(n) for n in done.stdout.split()]
    return dict(zip(ONE_PASS, in_parallel(ask, ONE_PASS)))


def by_sharkd(host, path):
    """The same of one loaded file, as the window filters."""
    with Sharkd(host) as sharkd:
        sharkd.load(path)
        return {f: [frame["num"] for frame in sharkd.ask("frames", filter=f)] for f in ONE_PASS}


@pytest.fixture(scope="module", params=["loaded", *(pytest.param(name, marks=pytest.mark.trust) for name in ("one pass", "two passes"))])
def answers(request, host, known):
    return by_sharkd(host, known[0]) if request.param == "loaded" else by_tshark(host, known[0], *(["-2"] if request.param == "two passes" else []))


def due(frames, table):
    return sorted(frames[story][i - 1] for story, places in table.items() for i in places)


@pytest.mark.parametrize("display_filter", ONE_PASS)
def test_filter(known, answers, display_filter):
    assert answers[display_filter] == due(known[1], ONE_PASS[display_filter])


def test_failed_is_the_one_filter_for_failures(host, known):
    path, frames = known
    failed = [story for story, verdict in VERDICTS.items() if 2 <= verdict <= 9]
    expected = sorted(n for story in failed for n in frames[story])
    quote = frames["unreachable"][1]  # the ICMP frame is no segment of the connection; it may carry the mark or not
    assert [n for n in host.numbers(path, "tcphs.conn.failed", "-2") if n != quote] == [n for n in expected if n != quote]


@pytest.mark.parametrize("field,table", [("verdict", VERDICTS), ("close", CLOSES), ("closed_by", CLOSED_BY)])
def test_connection_fields_after_two_passes(host, known, field, table):
    """Every segment of a connection carries its final values, the first one too."""
    path, frames = known
    by_number = {f.number: f for f in host.once(path, "-2")}
    said = {story: {by_number[n].one("tcphs.conn." + field) for n in frames[story]} for story in table if story != "unreachable"}
    assert said == {story: {str(value)} for story, value in table.items() if story != "unreachable"}
    if "unreachable" in table:
        syn, quote = (by_number[n] for n in frames["unreachable"])
        assert syn.one("tcphs.conn." + field) == str(table["unreachable"])
        assert quote.one("tcphs.id") == syn.one("tcphs.id")


def test_icmp_frame_explains_the_failure(host, known):
    path, frames = known
    syn, quote = frames["unreachable"]
    assert host.numbers(path, f"tcphs.conn.icmp_frame == {quote}", "-2")[0] == syn


def test_frame_links(host, known):
    path, frames = known
    n = frames["healthy"]
    last = {f.number: f for f in host.once(path, "-2")}[n[-1]]
    links = {k: last.one(f"tcphs.{k}") for k in ("syn_frame", "synack_frame", "ack_frame", "conn.established_frame", "conn.end_frame")}
    assert links == {"syn_frame": str(n[0]), "synack_frame": str(n[1]), "ack_frame": str(n[2]), "conn.established_frame": str(n[2]),
                     "conn.end_frame": str(n[10])}


def test_ids_count_from_zero_in_order(host, known):
    path, frames = known
    by_number = {f.number: f for f in host.once(path)}
    ids = [[by_number[n].one("tcphs.id") for n in frames[story.__name__]] for story in STORIES]
    assert ids == [[str(i)] * len(x) for i, x in enumerate(ids)]


def test_times_of_the_handshake(host, known):
    """The capture puts a millisecond between any two frames."""
    path, frames = known
    by_number = {f.number: f for f in host.once(path)}
    syn, synack, ack = (by_number[n] for n in frames["healthy"][:3])
    assert not any(syn.has(f"tcphs.time.{k}") for k in ("synack", "ack", "setup"))
    assert float(synack.one("tcphs.time.synack")) == 0.001 and not synack.has("tcphs.time.setup")
    assert float(ack.one("tcphs.time.ack")) == 0.001 and float(ack.one("tcphs.time.setup")) == 0.002


def test_ack_expected_is_the_raw_number(host, known):
    path, frames = known
    talk = Talk(Capture(), 40004)
    frame = {f.number: f for f in host.once(path)}[frames["synack_with_bad_ack"][1]]
    assert int(frame.one("tcphs.ack.expected")) == (talk.iss + 1) % 2**32
    assert "100" in frame.one("tcphs.explain") or "101" in frame.one("tcphs.explain"), "an explanation names the numbers"


def test_fields_output(host, known):
    """The issue's command: -T fields -e tcphs.stage -e tcphs.conn.verdict."""
    path, frames = known
    rows = [r.split("\t") for r in host.lines("-r", path, "-2", "-T", "fields", "-e", "tcphs.stage", "-e", "tcphs.conn.verdict")]
    stages = "1 2 3 3 3 3 3 4 4 4 5".split()
    assert [rows[n - 1] for n in frames["healthy"]] == [[s, "1"] for s in stages]
    assert [rows[n - 1] for n in frames["refused"]] == [["1", "3"], ["6", "3"]]


def test_first_pass_verdict_is_as_of_this_segment(host, known):
    path, frames = known
    rows = [r.split("\t") for r in host.lines("-r", path, "-T", "fields", "-e", "tcphs.conn.verdict")]
    assert [rows[n - 1][0] for n in frames["healthy"]] == ["11", "11"] + ["1"] * 9
    assert [rows[n - 1][0] for n in frames["refused"]] == ["11", "3"]


def test_ek_output(host, known):
    """One document a line; the keys are the field names with underscores, the values those of -T json."""
    path, frames = known
    documents = [json.loads(l) for l in host.lines("-r", path, "-T", "ek")]
    packets = [d["layers"] for d in documents if "layers" in d]
    assert len(packets) == sum(len(x) for x in frames.values())
    ack = packets[frames["healthy"][2] - 1]["tcphs"]
    assert (ack["tcphs_tcphs_stage"], ack["tcphs_tcphs_step"], ack["tcphs_tcphs_accepted"]) == ("3", "3", True)
    both = packets[frames["three_segment_close"][4] - 1]["tcphs"]
    assert both["tcphs_tcphs_close_step"] == ["2", "3"]
    flagged = packets[frames["synack_with_bad_ack"][1] - 1]["tcphs"]
    assert "tcphs_tcphs_anomaly_synack_bad_ack" in flagged and flagged["tcphs_tcphs_accepted"] is False


def test_json_output(host, known):
    """Without any -J, as a script calls it."""
    path, frames = known
    packets = json.loads(host.ts("-r", path, "-T", "json").stdout, object_pairs_hook=Pairs)
    fields = [flatten(p, {}) for p in packets]
    assert fields[frames["bad_final_ack"][2] - 1]["tcphs.ack.delta"] == ["499"]
    assert fields[frames["three_segment_close"][4] - 1]["tcphs.close_step"] == ["2", "3"]


def test_tree_root_names_stage_and_verdict(host, known):
    path, frames = known
    text = host.ts("-r", path, "-2", "-O", "tcphs").stdout
    roots = [l for l in text.splitlines() if "TCP Handshake Analysis" in l and not l.startswith(" ")]
    assert len(roots) == sum(len(x) for x in frames.values())
    assert "CLOSED" in roots[frames["healthy"][10] - 1] and "established" in roots[frames["healthy"][10] - 1]
    assert "refused" in roots[frames["refused"][0] - 1]


def test_tree_names_the_anomaly_first_and_has_two_branches(host, known):
    path, frames = known
    text = host.ts("-r", path, "-2", "-O", "tcphs").stdout
    trees = re.findall(r"^\[?TCP Handshake Analysis.*\n(?:[ ].*\n)*", text, re.M)
    assert re.match(r"\[?TCP Handshake Analysis, Anomaly: synack_bad_ack, Stage: ", trees[frames["synack_with_bad_ack"][1] - 1])
    for tree in trees:
        assert [b for b in re.findall(r"^ {4}\[?(\w+)", tree, re.M) if b != "Expert"] == ["Segment", "Connection"], tree
        segment, connection = tree.split("[Connection]")
        assert "Stage: " in segment and "Final: " in connection and "Final: " not in segment


def test_news_in_the_info_column_are_a_preference(host, known):
    """In front of TCP's own text, as its own remarks are, and nowhere else."""
    path, frames = known
    columns = ("-o", 'gui.column.format:"Info","%i"')
    plain = host.lines("-r", path, *columns)
    told = host.lines("-r", path, *columns, "-o", "tcphs.info_column:TRUE")
    assert not [line for line in plain if line.startswith(("[step", "[close"))]
    for number, news in [(frames["healthy"][0], "[step 1] "), (frames["healthy"][2], "[step 3, established] "), (frames["healthy"][3], ""),
                         (frames["refused"][1], "[refused, failed] "), (frames["three_segment_close"][4], "[close 2, close 3] ")]:
        assert told[number - 1] == news + plain[number - 1]
    assert told[frames["synack_with_bad_ack"][1] - 1].startswith("[synack_bad_ack")


def test_the_names_of_anomalies_fit_into_a_column(host, known):
    path, frames = known
    assert host.numbers(path, 'tcphs.anomalies == "synack_bad_ack"') == host.numbers(path, "tcphs.anomaly.synack_bad_ack") != []
    rows = host.lines("-r", path, "-o", 'gui.column.format:"Anomaly","%Cus:tcphs.anomalies:0:R"')
    assert rows[frames["synack_with_bad_ack"][1] - 1] == "synack_bad_ack"


def test_columns_may_show_fields(host, known):
    path, frames = known
    rows = host.lines("-r", path, "-o", 'gui.column.format:"Stage","%Cus:tcphs.stage","Verdict","%Cus:tcphs.conn.verdict"', "-2")
    assert "SYN_RECEIVED" in rows[frames["client_falls_silent"][3] - 1] and "no_final_ack" in rows[frames["client_falls_silent"][3] - 1]


def test_capture_that_ends_in_the_handshake_is_not_judged(host, put):
    cap = Capture()
    Talk(cap, 40001).c("S", options=SYN_OPTIONS)
    assert [f.one("tcphs.conn.verdict") for f in host.frames(put("pending.pcap", cap.bytes()), "-2")] == ["11"]
    Talk(cap, 40002).c("S", options=SYN_OPTIONS, after=2 * SECOND)
    assert [f.one("tcphs.conn.verdict") for f in host.frames(put("ended.pcap", cap.bytes()), "-2")] == ["2", "11"]


def expert_rows(host, path, *args):
    """(frequency, summary) of every line of -z expert."""
    rows = []
    for line in host.lines("-r", path, "-q", "-z", "expert", *args):
        cells = line.split(None, 3)
        if len(cells) == 4 and cells[0].isdigit():
            rows.append((int(cells[0]), line))
    return rows


@pytest.mark.parametrize("passes", [[], ["-2"]])
def test_expert_summary_aggregates(host, put, declared, passes):
    """Three aborted connections on different ports are one line with the count three, for the text names no port."""
    cap = Capture()
    for port in (41001, 41002, 41003):
        aborted_by_server(cap, port)
    path = put("aborts.pcap", cap.bytes())
    summary = declared["tcphs.expert.rst_without_fin"][0]
    assert [count for count, line in expert_rows(host, path, *passes) if summary in line] == [3]
    clean = put("clean.pcap", Capture().bytes())
    assert expert_rows(host, clean, *passes) == []
