"""tcphs.server.half_open: how many attempts were half open at a server when a SYN or SYN-ACK passed, by another count.

Leaves to others: the peak that reports give (test_reports.py).
"""
import random

from packets import Capture, Talk

SECOND = 1_000_000  # microseconds
LIFE = 64.0  # seconds after its last SYN or SYN-ACK, if nobody ends the attempt


def crowd(seed):
    """Attempts at two ports of one server that overlap at random: established, refused, left alone for longer than their life, repeated."""
    chance, capture, open_talks = random.Random(seed), Capture(), []
    for i in range(120):
        talk = Talk(capture, 20000 + i, to=chance.choice([80, 81]))
        talk.c("S", after=chance.randrange(1, 3 * SECOND))
        open_talks.append((talk, "SYN"))
        for _ in range(chance.randrange(3)):
            talk, stage = open_talks.pop(chance.randrange(len(open_talks)))
            after = chance.randrange(1, SECOND)
            if stage == "SYN":
                step = chance.choice(["SYN-ACK", "refused", "again", "left"])
                if step == "SYN-ACK":
                    talk.s("SA", 0, 1, after=after)
                    open_talks.append((talk, "SYN-ACK"))
                elif step == "refused":
                    talk.s("RA", 0, 1, after=after)
                elif step == "again":
                    talk.c("S", after=after)
                    open_talks.append((talk, "SYN"))
            elif chance.random() < 0.7:
                talk.c("A", 1, 1, after=after)
            if not open_talks:
                break
    return capture.bytes()


def by_another_count(frames, ports):
    """Replays what tcphs says of each frame: who begins, who is over."""
    now, last, found = {}, {}, {}
    for frame in frames:
        time, ident, port = float(frame.time), frame.one("tcphs.id"), ports[frame.number]
        now = {i: p for i, p in now.items() if last[i] + LIFE > time}
        if frame.has("tcphs.event"):
            now.pop(ident, None)
        elif frame.one("tcphs.step") in ("1", "2"):
            now[ident], last[ident] = port, time
            found[frame.number] = sum(p == port for p in now.values())
    return found


def test_half_open_now(host, put):
    """Final at once, and the same in two passes."""
    capture = put("crowd.pcap", crowd(7))
    rows = host.lines("-r", capture, "-T", "fields", "-e", "frame.number", "-e", "tcp.srcport", "-e", "tcp.dstport")
    ports = {int(n): min(int(a), int(b)) for n, a, b in (row.split("\t") for row in rows)}
    once, twice = host.frames(capture), host.frames(capture, "-2")
    said = {f.number: int(f.one("tcphs.server.half_open")) for f in once if f.has("tcphs.server.half_open")}
    assert said == by_another_count(once, ports)
    assert max(said.values()) > 5 and len(set(said.values())) > 4
    assert said == {f.number: int(f.one("tcphs.server.half_open")) for f in twice if f.has("tcphs.server.half_open")}


def test_a_flood_grows_and_is_forgotten(host, put):
    """A SYN flood counts up to its end; after the life of an attempt nothing of it is left."""
    capture = Capture()
    for i in range(50):
        Talk(capture, 30000 + i).c("S", after=1000)
    Talk(capture, 40000).c("S", after=int(LIFE * SECOND) + SECOND)
    path = put("flood.pcap", capture.bytes())
    counts = host.lines("-r", path, "-T", "fields", "-e", "tcphs.server.half_open")
    assert counts == [*map(str, range(1, 51)), "1"]
    assert host.numbers(path, "tcphs.server.half_open > 48") == [49, 50]


def test_a_read_filter_takes_nothing_along(host, put):
    """A frame that a read filter rejects gives its number to the next one; the counts stay those of the whole capture."""
    capture = put("crowd.pcap", crowd(11))
    wanted = [row.split("\t") for row in host.lines("-r", capture, "-Y", "tcp.dstport == 80", "-T", "fields", "-e", "frame.time_epoch", "-e",
                                                    "tcphs.server.half_open")]
    got = [row.split("\t") for row in host.lines("-r", capture, "-2", "-R", "tcp.dstport == 80", "-T", "fields", "-e", "frame.time_epoch", "-e",
                                                 "tcphs.server.half_open")]
    assert got == wanted != []
