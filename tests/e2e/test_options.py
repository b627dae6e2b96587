"""Options of real and of lying headers: what is shown of them, and that nothing is accused or kept because of them.

Leaves to others: each rule by itself (tests/scripts), what a real kernel does (sample-captures).
"""
import random
import struct

import pytest

from packets import Capture, SYN_OPTIONS, Talk

PASSES = [[], ["-2"]]
OFFERS = {"tcphs.client.mss": "1460", "tcphs.server.mss": "1380", "tcphs.client.window_scale": "7", "tcphs.server.window_scale": "2"}


def stamp(value, echo):
    return b"\x01\x01" + struct.pack("!BBII", 8, 10, value % 2**32, echo % 2**32)


def of_syn(mss, value, echo, scale):
    return struct.pack("!BBHBB", 2, 4, mss, 4, 2) + stamp(value, echo) + struct.pack("!BBBB", 1, 3, 3, scale)


def both(host, path):
    """The frames of one pass, which those of two must equal."""
    once, twice = (host.frames(path, *p) for p in PASSES)
    assert [f.per_segment() for f in once] == [f.per_segment() for f in twice]
    return once


def anomalies(frames):
    return [f.number for f in frames if f.has("tcphs.anomaly")]


def test_offers_and_agreement_stand_on_the_steps(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S", options=of_syn(1460, 100, 0, 7))
    talk.s("SA", 0, 1, options=of_syn(1380, 900, 100, 2))
    talk.c("A", 1, 1, options=stamp(101, 900))
    talk.c("PA", 1, 1, options=stamp(101, 900), data=b"x" * 10)
    syn, syn_ack, ack, data = both(host, put("offers.pcap", cap.bytes()))
    for name, value in OFFERS.items():
        assert syn.one(name) == (value if "client" in name else None)
        assert syn_ack.one(name) == ack.one(name) == value and data.one(name) is None
    for what, agreed in {"window_scale": "1", "sack": "1", "timestamps": "1", "ecn": "0", "mptcp": "0"}.items():
        name = f"tcphs.agreed.{what}"
        assert (syn.one(name), syn_ack.one(name), ack.one(name), data.one(name)) == (None, agreed, agreed, None)


LIES = ["02", "0200", "0201", "0203", "02ff05b4", "030007", "0403", "0800", "080a00", "1e00", "1300", "1303aa", "1d02", "ffff"]


def test_a_lie_offers_nothing_and_accuses_nobody(host, put):
    """A connection for each."""
    cap = Capture()
    for i, text in enumerate(LIES):
        talk, options = Talk(cap, 40001 + i), bytes.fromhex(text)
        talk.c("S", options=options)
        talk.s("SA", 0, 1, options=options)
        talk.c("A", 1, 1, options=options)
        talk.c("PA", 1, 1, options=options, data=b"x" * 10)
    frames = both(host, put("lies.pcap", cap.bytes()))
    assert [LIES[(f.number - 1) // 4] for f in frames for name in OFFERS if f.has(name)] == []
    assert anomalies(frames) == [] and [f.one("tcphs.step") for f in frames[2::4]] == ["3"] * len(LIES)


def test_clocks_that_wrap_stop_or_rest_for_weeks(host, put):
    """TSval over 2^32 and over 0, one that stands still, and one that went back during 24 idle days: RFC 7323 allows all of it."""
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S", options=of_syn(1460, -3, 0, 7))
    talk.s("SA", 0, 1, options=of_syn(1380, 2**31 - 2, -3, 2))
    talk.c("A", 1, 1, options=stamp(-2, 2**31 - 2))
    for i in range(8):
        talk.c("PA", 1 + i, 1 + i, options=stamp(-2 + i, 2**31 - 2 + i), data=b"x")
        talk.s("PA", 1 + i, 2 + i, options=stamp(2**31 - 1 + i, -2 + i), data=b"y")
    talk.c("PA", 9, 9, options=stamp(5, 2**31 + 6), data=b"x")
    week = 7 * 24 * 3600
    cap.now += 4 * week * 1_000_000
    talk.s("PA", 9, 10, options=stamp(40, 5), data=b"y")
    talk.c("PA", 10, 10, options=stamp(1, 40), data=b"x")
    frames = both(host, put("clocks.pcap", cap.bytes()))
    assert anomalies(frames) == [] and all(f.one("tcphs.accepted") in (None, "1") for f in frames)


def test_other_options_on_every_segment_are_not_kept(host, put):
    """A connection whose segments all differ in options: one note an end, whatever comes."""
    cap, rand = Capture(), random.Random(7323)
    talk = Talk(cap, 40001)
    talk.c("S", options=of_syn(1460, 1000, 0, 7))
    talk.s("SA", 0, 1, options=of_syn(1380, 5000, 1000, 2))
    talk.c("A", 1, 1, options=stamp(1000, 5000))
    for i in range(600):
        options = rand.choice([b"", stamp(1001 + i, 5000), b"\xfd\x06\xf9\x89\x00\x00", b"\x1d\x10" + rand.randbytes(14), b"\x01" * 8])
        talk.c("PA", 1 + i, 1, options=options, data=b"x")
    frames = both(host, put("changing.pcap", cap.bytes()))
    assert anomalies(frames) == []
    assert sum(f.has("tcphs.expert.timestamp_missing") for f in frames) == 1
    assert {f.one("tcphs.stage") for f in frames[2:]} == {"3"}


def test_a_box_that_changes_the_syn_between_two_places(host, put):
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.c("S", options=of_syn(1460, 100, 0, 7))
    cap.ident -= 1
    talk.c("S", options=of_syn(1380, 100, 0, 7), ttl=63)
    talk.s("SA", 0, 1, options=of_syn(1460, 900, 100, 2), ttl=63)
    cap.ident -= 1
    talk.s("SA", 0, 1, options=of_syn(1460, 900, 100, 2), ttl=62)
    frames = both(host, put("rewritten.pcap", cap.bytes()))
    assert [f.number for f in frames if f.has("tcphs.copy")] == [2, 4]
    assert [f.number for f in frames if f.has("tcphs.expert.syn_rewritten")] == [2]
    assert frames[1].one("tcphs.back_frame") == "1" and "Frame 1 has the same segment with other options" in frames[1].one("tcphs.explain")
    assert anomalies(frames) == []


@pytest.mark.parametrize("others, found", [(0, True), (4095, True), (4096, False)])
def test_the_latest_unanswered_syns_are_remembered(host, put, others, found):
    cap = Capture()
    first = Talk(cap, 40001, to=81)
    first.c("S", options=SYN_OPTIONS)
    for i in range(others):
        Talk(cap, 1024 + i % 30000, client=f"198.18.{i // 250}.{1 + i % 250}").c("S", options=SYN_OPTIONS)
    elsewhere = Talk(cap, 40001, server="198.51.100.8", iss=first.iss)
    answer = elsewhere.s("SA", 0, 1, options=SYN_OPTIONS)
    path = put("elsewhere.pcap", cap.bytes())
    for passes in PASSES:
        frame = host.frames(path, *passes)[answer - 1]
        assert frame.has("tcphs.expert.synack_from_elsewhere") == found
        assert frame.one("tcphs.back_frame") == ("1" if found else None)
        assert frame.one("tcphs.conn.verdict") in ("12", "14") and not frame.has("tcphs.conn.failed")
