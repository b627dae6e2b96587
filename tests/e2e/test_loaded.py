"""The plugin is loaded and declares what the contract promises: names, types, enumerations, help texts.

Leaves to others: the values of the fields.
"""
import re

UINT, NONE, FRAME, TIME, BOOL, STRING = "FT_UINT", "FT_NONE", "FT_FRAMENUM", "FT_RELATIVE_TIME", "FT_BOOLEAN", "FT_STRING"
TYPES = {
    "stage": UINT, "step": UINT, "close_step": UINT, "from": UINT, "client.state": UINT, "server.state": UINT, "accepted": BOOL,
    "ack.expected": "FT_UINT32", "ack.delta": "FT_INT32", "rst.kind": UINT, "syn_frame": FRAME, "synack_frame": FRAME, "ack_frame": FRAME,
    "fin_frame": FRAME, "rst_frame": FRAME, "time.synack": TIME, "time.ack": TIME, "time.setup": TIME, "syn_count": UINT,
    "synack_count": UINT, "copy": NONE, "icmp": NONE, "id": UINT, "assumed": NONE, "event": UINT, "explain": STRING, "anomaly": NONE,
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
                         "pending one_sided").split()),
    "conn.close": (1, "open half_closed fin fin_then_reset reset none".split()),
    "conn.closed_by": (0, "unknown client server both".split()),
}
HEADER = "flags_none syn_fin syn_rst rst_fin no_ack_flag xmas psh_without_data urg_inconsistent port_zero"
HANDSHAKE = ("syn_with_data syn_isn_changed synack_bad_ack synack_wrong_direction synack_changed split_handshake final_ack_bad ack_in_syn_sent "
             "data_before_established fin_before_established")
ESTABLISHED = "syn_in_connection reuse_too_early ack_unsent ack_beyond_window ack_too_old seq_beyond_window window_shrunk"
RST = ("rst_bad_ack rst_out_of_window rst_inexact rst_with_data rst_ignored rst_peer_continues rst_train rst_ttl rst_in_handshake "
       "rst_without_fin")
FIN = "fin_bad_ack fin_out_of_window fin_moved data_after_fin data_after_close last_ack_bad"
ANOMALIES = set(" ".join((HEADER, HANDSHAKE, ESTABLISHED, RST, FIN)).split())
REQUIRED = set(" ".join((HEADER, HANDSHAKE, RST, FIN, "ack_unsent ack_too_old syn_in_connection")).split()) - {"rst_ttl"}
NOTES = set("ack_without_flag simultaneous_open simultaneous_close challenge_ack port_reused tfo_accepted tfo_ignored half_open_peer keep_alive "
            "zero_window_probe".split())


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
    due["conn.verdict"].append((14, "unsolicited"))  # 13 is not in use
    assert said == due


def test_required_anomalies_are_declared(declared):
    assert REQUIRED - names_below(declared, "tcphs.anomaly.") == set()
    assert REQUIRED - names_below(declared, "tcphs.expert.") == set()


def test_an_anomaly_is_declared_once_and_whole(declared):
    """One row gives both the field and the expert info, of a name that stands in the contract."""
    fields, experts = names_below(declared, "tcphs.anomaly."), names_below(declared, "tcphs.expert.")
    assert fields - ANOMALIES == set()
    assert fields - experts == set()
    assert experts & (ANOMALIES - fields) == set()
    assert fields & NOTES == set(), "a note is no anomaly"


def test_expert_summaries_are_constant_text(declared):
    """A summary with a placeholder would split the lines of -z expert."""
    loose = {n: t[0] for n, t in declared.items() if n.startswith("tcphs.expert.") and (not t[0].strip() or "%" in t[0])}
    assert not loose
