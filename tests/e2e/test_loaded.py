"""The plugin is loaded and declares what the contract promises: names, types, enumerations, help texts.

Leaves to others: the values of the fields.
"""
import re

from harness import ROOT

UINT, NONE, FRAME, TIME, BOOL, STRING = "FT_UINT", "FT_NONE", "FT_FRAMENUM", "FT_RELATIVE_TIME", "FT_BOOLEAN", "FT_STRING"
TYPES = {
    "stage": UINT, "step": UINT, "close_step": UINT, "from": UINT, "client.state": UINT, "server.state": UINT, "accepted": BOOL,
    "ack.expected": "FT_UINT32", "ack.delta": "FT_INT32", "rst.kind": UINT, "syn_frame": FRAME, "synack_frame": FRAME, "ack_frame": FRAME,
    "fin_frame": FRAME, "rst_frame": FRAME, "time.synack": TIME, "time.ack": TIME, "time.setup": TIME, "syn_count": UINT,
    "synack_count": UINT, "copy": NONE, "icmp": NONE, "id": UINT, "assumed": NONE, "event": UINT, "explain": STRING, "anomaly": NONE, "forged": NONE,
    "client.mss": UINT, "server.mss": UINT, "client.window_scale": UINT, "server.window_scale": UINT, "agreed.window_scale": BOOL,
    "agreed.sack": BOOL, "agreed.timestamps": BOOL, "agreed.ecn": BOOL, "agreed.mptcp": BOOL, "rst.idle": TIME, "rst.ttl_delta": "FT_INT",
    "back_frame": FRAME,  # the link back that section 3.1 asks of what only a later segment reveals
    "conn.verdict": UINT, "conn.failed": NONE, "conn.close": UINT, "conn.closed_by": UINT, "conn.no_data": NONE,
    "anomalies": STRING, "server.half_open": UINT, "conn.established_frame": FRAME, "conn.end_frame": FRAME, "conn.icmp_frame": FRAME, "conn.final": BOOL,
}
STATES = ("CLOSED LISTEN SYN-SENT SYN-RECEIVED ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 CLOSE-WAIT CLOSING LAST-ACK TIME-WAIT UNKNOWN").split()
ENUMS = {
    "stage": (1, "SYN_SENT SYN_RECEIVED ESTABLISHED CLOSING CLOSED RESET MIDSTREAM".split()),
    "from": (0, "unknown client server".split()),
    "client.state": (1, STATES),
    "server.state": (1, STATES),
    "rst.kind": (1, "refused aborts_handshake aborts_connection after_close answers_stale not_acceptable unknown".split()),
    "event": (1, "established failed ended".split()),
    "conn.verdict": (1, ("established no_answer refused unreachable no_final_ack client_reset bad_ack challenged server_reset midstream "
                         "pending one_sided not_accepted unsolicited").split()),
    "conn.close": (1, "open half_closed fin fin_then_reset reset none".split()),
    "conn.closed_by": (0, "unknown client server both".split()),
}
ROWS = (ROOT / "plugin" / "core" / "findings" / "findings.def").read_text()
ANOMALIES = set(re.findall(r"^TCPHS_ANOMALY\((\w+),", ROWS, re.M))
NOTES = set(re.findall(r"^TCPHS_(?:NOTE|REMARK)\((\w+),", ROWS, re.M))


def names_below(declared, prefix):
    return {name[len(prefix):] for name in declared if name.startswith(prefix)}


def test_listed_with_its_version(host):
    name, version, kind, _ = host.assert_loaded()
    assert name.strip() == "tcphs.so"
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?\S*", version)
    assert "dissector" in kind


def test_protocol_is_registered(host):
    assert [r[0] for r in host.glossary("protocols") if r[2] == "tcphs"] == ["TCP Handshake Analysis"]


def test_every_field_has_its_type(declared):
    wrong = {n: declared.get("tcphs." + n, ("", "absent"))[1] for n, kind in TYPES.items()
             if not declared.get("tcphs." + n, ("", "absent"))[1].startswith(kind)}
    assert not wrong


def test_every_field_has_title_and_help(declared):
    silent = [n for n in TYPES if not declared["tcphs." + n][0].strip() or not declared["tcphs." + n][2].strip()]
    silent += [n for n in declared if n.startswith("tcphs.anomaly.") and not declared[n][2].strip()]
    assert not silent


def test_help_texts_end_on_one_line_and_differ(declared):
    """A blurb copied from the next row teaches the wrong thing."""
    blurbs = [declared["tcphs." + n][2] for n in TYPES]
    assert len(set(blurbs)) == len(blurbs), sorted(b for b in set(blurbs) if blurbs.count(b) > 1)


def test_help_texts_fit_into_the_status_bar(declared):
    """Which shows the text and the name of the field, about 115 letters wide in a window of 1280 pixels. An example of a filter comes first."""
    fields = {n: v[2] for n, v in declared.items() if not n.startswith(("tcphs.anomaly.", "tcphs.expert."))}
    assert {n: len(text) for n, text in fields.items() if len(f"{text} ({n})") > 115} == {}
    assert [n for n, text in fields.items() if n not in text.split(": ")[0]] == []
    anomalies = {n: v[2] for n, v in declared.items() if n.startswith("tcphs.anomaly.")}
    assert {n: len(text) for n, text in anomalies.items() if len(f"{text} ({n})") > 125} == {}


def test_names_survive_scripts(declared):
    """Lower case, dots, no hyphens; and no field beside those of the contract, for names are API."""
    assert [n for n in declared if not re.fullmatch(r"tcphs(\.[a-z0-9_]+)+", n)] == []
    known = {"tcphs." + n for n in TYPES} | {"tcphs.conn.zeek.state", "tcphs.conn.zeek.history"}
    extra = {n for n in declared if not n.startswith(("tcphs.anomaly.", "tcphs.expert."))} - known
    assert not extra


def test_enumerations_have_their_numbers(host):
    said = {}
    for row in host.glossary("values"):
        if row[0] == "V" and row[1].startswith("tcphs."):
            said.setdefault(row[1][len("tcphs."):], []).append((int(row[2], 0), row[3]))
    due = {name: list(enumerate(words, first)) for name, (first, words) in ENUMS.items()}
    assert said == due


def test_a_row_is_declared_once_and_whole(declared):
    """A row of findings.def gives the expert info and, of an anomaly, the field; nothing else gives one."""
    assert len(ANOMALIES) > 40 and len(NOTES) > 10
    assert names_below(declared, "tcphs.anomaly.") == ANOMALIES, "a note is no anomaly"
    assert names_below(declared, "tcphs.expert.") == ANOMALIES | NOTES


def test_expert_summaries_are_constant_text(declared):
    """A summary with a placeholder would split the lines of -z expert."""
    loose = {n: t[0] for n, t in declared.items() if n.startswith("tcphs.expert.") and (not t[0].strip() or "%" in t[0])}
    assert not loose
