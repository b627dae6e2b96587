"""Broken, hostile and cut captures: tshark ends as it does without the plugin, and nothing is claimed about what cannot be read.

Leaves to others: memory errors inside the core (fuzz tests under sanitizers).
"""
import random
import re
import struct

import pytest

from harness import in_parallel
from packets import Capture, Talk, ETHERNET, TCP_AT, SYN_OPTIONS, ethernet, fragment_of, icmp, ipv4, tcp

SEED = 20250801
WITHOUT = ("--disable-protocol", "tcphs")
BUG = re.compile(r"dissector bug|assert|malformed packet: tcphs|malformed packet: tcp handshake|segmentation|out of memory", re.I)
WHO_AND_WHEN = re.compile(r"\(tshark:\d+\) [\d:.]+")  # differs from run to run
UP_TO_WINDOW = 16  # what a judgement needs of a header: ports, numbers, flags, window; checksum and urgent pointer come after
MUTANTS, FILES = 20000, 4
PASSES = [[], ["-2"]]
SLOWLY = [[], pytest.param(["-2"], marks=pytest.mark.trust)]


def normal_file():
    cap = Capture()
    Talk(cap, 40001).open()
    return cap.bytes()


def broken_files():
    good = normal_file()
    long_record = good[:24] + struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 0x7FFFFFFF) + good[40:]
    zero_record = good[:24] + struct.pack("<IIII", 0, 0, 0, 0) + good[24:]
    cuts = {f"cut at {n}": good[:n] for n in (1, 10, 23, 24, 30, 40, 41, 60, 93, len(good) - 1)}
    return {"zero length": b"", "text": b"GET / HTTP/1.0\r\n\r\n" * 9, "noise": random.Random(SEED).randbytes(4000),
            "record of two gigabytes": long_record, "record of zero bytes": zero_record, "other link type": Capture().bytes(147) + good[24:],
            "pcapng block cut": b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0", **cuts}


@pytest.mark.parametrize("passes", SLOWLY)
@pytest.mark.parametrize("name", broken_files())
def test_broken_file_ends_as_without_the_plugin(host, put, name, passes):
    path = put("broken.pcap", broken_files()[name])
    with_it, without = (host.run(host.tshark, "-n", "-r", path, *passes, "-V", *more) for more in ([], WITHOUT))
    assert with_it.returncode == without.returncode >= 0, "a negative code is a signal"
    assert with_it.stderr == without.stderr
    assert not BUG.search(with_it.stdout + with_it.stderr)


def trouble(host, path, passes):
    """Compares a full dissection with one that has no tcphs; returns what is wrong, in words."""
    found = []
    # -O builds the whole tree as -V does, yet prints what concerns us only: protocol lines, bugs, the tcphs branch.
    verbose, without = (host.run(host.tshark, "-n", "-r", path, *passes, "-O", "tcphs", *more) for more in ([], WITHOUT))
    if verbose.returncode != without.returncode or verbose.returncode < 0:
        found.append(f"exit {verbose.returncode}, without tcphs {without.returncode}")
    said, without_said = (WHO_AND_WHEN.sub("", r.stderr) for r in (verbose, without))
    if said != without_said:
        found.append(f"stderr {said[-600:]!r}, without tcphs {without_said[-300:]!r}")
    # The host has bugs of its own that a mutation may meet: only what tcphs adds counts.
    mine, theirs = ([m.group() for m in BUG.finditer(r.stdout)] for r in (verbose, without))
    if len(mine) > len(theirs):
        found.append(f"tree says {mine[:3]} {len(mine)} times, without tcphs {len(theirs)}")
    return [f"{path.name} {' '.join(passes) or 'one pass'}: {f}" for f in found]


def assert_no_trouble(host, *paths):
    jobs = [(path, passes) for path in paths for passes in PASSES]
    found = sum(in_parallel(lambda job: trouble(host, *job), jobs), [])
    assert not found, "\n".join(found)


def passes_agree(host, path):
    """On nonsense too the passes must agree; returns the frames of the first."""
    once, twice = (host.frames(path, *p, ok=(0, 2)) for p in PASSES)
    assert [f.number for f in once if f.fields] != [], f"{path.name}: tcphs says nothing at all"
    wrong = [a.number for a, b in zip(once, twice) if a.per_segment() != b.per_segment()]
    assert wrong == [] and len(once) == len(twice)
    return once


def numbers_with(frames, name):
    return {f.number for f in frames if f.has(name)}


def header_lies():
    """Data offsets 0 to 15 on segments of 20 to 60 bytes; frames whose TCP header is impossible come back by number."""
    cap, impossible = Capture(), set()
    for offset in range(16):
        for room in (0, 4, 20, 40):
            talk = Talk(cap, 2000 + 100 * offset + room)
            options = (b"\x01" * room)[:room]
            for flags in ("S", "SA", "A", "FA", "R"):
                n = talk.c(flags, 0, 5 if "A" in flags else 0, options=options, offset=offset)
                if offset < 5 or 4 * offset > 20 + room:
                    impossible.add(n)
    return cap, impossible


def test_data_offset_lies(host, put):
    cap, impossible = header_lies()
    path = put("offset.pcap", cap.bytes())
    assert_no_trouble(host, path)
    frames = passes_agree(host, path)
    claimed = numbers_with(frames, "tcphs.stage") | numbers_with(frames, "tcphs.step")
    assert claimed & impossible == set(), "a segment without a readable header proves no stage"
    assert claimed, "the possible ones are judged"


BAD_OPTIONS = ["02", "0200", "0201", "0203", "02ff05b4", "0303", "030007", "0800", "080a00", "05", "0500", "05ff0000", "050a00000001", "1e00",
               "22", "2202", "22ff", "fd00", "00ff00ff", "01010102", "0104040202", "0402040204020402", "030fff", "0303ff", "0204ffff",
               "020400000303ff0402080a", "130412", "ffff", "fe02f989", "fe00"]


def test_option_lies(host, put):
    """A handshake whose SYN and SYN-ACK carry options that run past the header or have impossible lengths still is a handshake."""
    cap, talks = Capture(), []
    for i, text in enumerate(BAD_OPTIONS):
        talk, options = Talk(cap, 3000 + i), bytes.fromhex(text)
        talks.append([talk.c("S", options=options), talk.s("SA", 0, 1, options=options), talk.c("A", 1, 1, options=options),
                      talk.s("A", 1, 1, options=bytes.fromhex("050a") + options)])
    path = put("options.pcap", cap.bytes())
    assert_no_trouble(host, path)
    by_number = {f.number: f for f in passes_agree(host, path)}
    assert [[by_number[n].one("tcphs.step") for n in t[:3]] for t in talks] == [["1", "2", "3"]] * len(talks)


def test_snaplen_cuts(host, put):
    """A normal handshake with data, kept to 0 ... 80 bytes a frame: a whole header is judged, one cut before its window is not."""
    cap, talks = Capture(), {}
    for keep in range(81):
        t = Talk(cap, 4000 + keep)
        talks[keep] = [t.c("S", keep=keep), t.s("SA", 0, 1, keep=keep), t.c("A", 1, 1, keep=keep), t.c("PA", 1, 1, data=b"x" * 60, keep=keep)]
    path = put("snaplen.pcap", cap.bytes())
    assert_no_trouble(host, path)
    by_number = {f.number: f for f in passes_agree(host, path)}
    for keep, frames in talks.items():
        steps = [by_number[n].fields.get("tcphs.step") for n in frames]
        stages = [by_number[n].fields.get("tcphs.stage") for n in frames]
        if keep < TCP_AT + UP_TO_WINDOW:
            assert steps == stages == [None] * 4, f"kept {keep} bytes"
        elif keep >= TCP_AT + 20 or any(steps):
            assert steps == [["1"], ["2"], ["3"], None] and stages == [["1"], ["2"], ["3"], ["3"]], f"kept {keep} bytes"


def test_ip_length_lies(host, put):
    cap = Capture()
    for i, length in enumerate([0, 1, 19, 20, 21, 30, 39, 40, 41, 59, 60, 61, 100, 1500, 9000, 65535]):
        t = Talk(cap, 5000 + i)
        for flags in ("S", "A", "PA", "FA", "R"):
            segment = tcp(t.client, t.server, t.iss, 7, flags, options=SYN_OPTIONS)
            cap.add(ethernet(ipv4(t.client[0], t.server[0], segment, length=length, ident=length % 65536)))
        for ihl in (0, 4, 6, 15):
            cap.add(ethernet(ipv4(t.client[0], t.server[0], tcp(t.client, t.server, 1, 0, "S"), ihl=ihl)))
    Talk(cap, 5999).open()
    path = put("lengths.pcap", cap.bytes())
    assert_no_trouble(host, path)
    frames = passes_agree(host, path)
    assert [f.one("tcphs.step") for f in frames[-3:]] == ["1", "2", "3"]


def icmp_and_tunnels():
    cap = Capture()
    for i, room in enumerate((0, 1, 4, 7, 8, 12, 13, 14, 19, 20, 40)):
        t = Talk(cap, 6000 + i)
        t.c("S", options=SYN_OPTIONS)
        quote = t.quoted(room)
        for kind, code in ((3, 1), (3, 3), (3, 13), (4, 0), (5, 1), (11, 0), (12, 0)):
            cap.ip("203.0.113.1", t.client[0], icmp(kind, code, quote), proto=1)
        nested = ipv4(t.client[0], t.server[0], icmp(3, 3, quote), proto=1)
        for _ in range(8):
            nested = ipv4(t.client[0], t.server[0], icmp(3, 1, nested), proto=1)
        cap.ip("203.0.113.1", t.client[0], icmp(3, 3, nested), proto=1)
    return cap


def test_icmp_quotes(host, put):
    """Eight bytes hold ports and the sequence number; less proves nothing; quotes within quotes end somewhere."""
    cap = icmp_and_tunnels()
    t = Talk(cap, 6900)
    syn = t.c("S", options=SYN_OPTIONS)
    quote = cap.ip("203.0.113.1", t.client[0], icmp(3, 3, t.quoted(8)), proto=1)
    path = put("icmp.pcap", cap.bytes())
    assert_no_trouble(host, path)
    frames = passes_agree(host, path)
    by_number = {f.number: f for f in frames}
    assert by_number[quote].has("tcphs.icmp") and by_number[quote].fields["tcphs.id"] == by_number[syn].fields["tcphs.id"]
    assert not by_number[quote].has("tcphs.step"), "a quoted SYN is no SYN"
    quoting = set(host.numbers(path, "icmp"))
    assert numbers_with(frames, "tcphs.step") & quoting == set()


def test_nested_tunnels(host, put):
    """TCP inside one to forty IP headers; and one connection wrapped in another's addresses."""
    cap, depth_of = Capture(), {}
    for depth in (1, 2, 3, 10, 40):
        t = Talk(cap, 7000 + depth)
        for from_client, flags, seq, ack in ((True, "S", 0, 0), (False, "SA", 0, 1), (True, "A", 1, 1)):
            src, dst, own, other = (t.client, t.server, t.iss, t.irs) if from_client else (t.server, t.client, t.irs, t.iss)
            packet = ipv4(src[0], dst[0], tcp(src, dst, own + seq, other + ack if ack else 0, flags), ident=depth)
            for _ in range(depth):
                packet = ipv4("10.0.0.1", "10.0.0.2", packet, proto=4, ident=depth)
            depth_of[cap.add(ethernet(packet))] = depth
    path = put("tunnels.pcap", cap.bytes())
    assert_no_trouble(host, path)
    shallow = [f.fields.get("tcphs.step") for f in passes_agree(host, path) if depth_of[f.number] <= 3]
    assert shallow == [["1"], ["2"], ["3"]] * 3


def add_fragments(cap, t, segment, ident, pieces):
    """pieces: (offset in bytes, bytes, more fragments)."""
    packet = ipv4(t.client[0], t.server[0], segment)
    return [cap.add(ethernet(fragment_of(packet, at, body, more, ident))) for at, body, more in pieces(segment)]


FRAGMENTS = {
    "in two": lambda s: [(0, s[:24], True), (24, s[24:], False)],
    "turned round": lambda s: [(24, s[24:], False), (0, s[:24], True)],
    "header of eight bytes": lambda s: [(0, s[:8], True), (8, s[8:], False)],
    "overlap": lambda s: [(0, s[:32], True), (24, b"\xff" * len(s[24:]), False), (24, s[24:], False)],
    "last missing": lambda s: [(0, s[:32], True)],
    "first missing": lambda s: [(24, s[24:], False)],
    "beyond the end": lambda s: [(0, s[:32], True), (65528, s[32:], False)],
}


@pytest.mark.parametrize("defragment", ["TRUE", "FALSE"])
def test_fragments(host, put, defragment):
    cap, places, opened = Capture(), {}, {}
    for i, (name, pieces) in enumerate(FRAGMENTS.items()):
        t = Talk(cap, 8000 + i)
        opened[name] = t.open()
        segment = tcp(t.client, t.server, t.iss + 1, t.irs + 1, "PA", data=b"d" * 40)
        places[name] = add_fragments(cap, t, segment, 9000 + i, pieces)
        t.s("A", 1, 41)
    path = put("fragments.pcap", cap.bytes())
    assert_no_trouble(host, path)
    reassembly = ["-o", f"ip.defragment:{defragment}"]
    once, twice = (host.frames(path, *p, *reassembly) for p in PASSES)
    assert [f.per_segment() for f in once] == [f.per_segment() for f in twice]
    by_number = {f.number: f for f in once}
    assert [by_number[n].one("tcphs.step") for n in sum(opened.values(), [])] == ["1", "2", "3"] * len(FRAGMENTS)
    if defragment == "TRUE":
        whole = by_number[places["in two"][1]]
        assert whole.one("tcphs.stage") == "3" and whole.one("tcphs.accepted") == "1"
        assert not by_number[places["in two"][0]].has("tcphs.stage"), "a fragment is no segment yet"


def test_all_flag_combinations(host, put):
    """All 512 as the first segment of a connection, as the second, and in an established one."""
    cap = Capture()
    for flags in range(512):
        Talk(cap, 10000 + flags).c(flags, 0, 0)
        t = Talk(cap, 20000 + flags)
        t.c("S")
        t.s(flags, 0, 1)
        t = Talk(cap, 30000 + flags)
        t.open()
        t.s("A", 1, 1)
        t.c(flags, 1, 1)
        t.s(flags, 1, 1, data=b"1234")
    path = put("flags.pcap", cap.bytes())
    assert_no_trouble(host, path)
    frames = passes_agree(host, path)
    by_number = {f.number: f for f in frames}
    illegal = host.numbers(path, "tcp.flags.syn == 1 && (tcp.flags.fin == 1 || tcp.flags.reset == 1)")
    assert illegal and [n for n in illegal if not by_number[n].has("tcphs.anomaly")] == []
    assert [f.number for f in frames if not f.has("tcphs.id")] == [], "every whole segment belongs to some connection"


def base_frames():
    """Frames worth damaging: handshakes with options, data, closes, ICMP quotes."""
    cap = Capture()
    for port in range(40):
        t = Talk(cap, 50000 + port, iss=2**32 - 5 * port)
        t.open()
        t.c("PA", 1, 1, data=b"x" * port)
        t.s("A", 1, 1 + port, options=bytes.fromhex("0101080a0000000200000001"))
        t.c("FA", 1 + port, 1)
        t.s("FA" if port % 3 else "RA", 1, 2 + port)
        t.c("A", 2 + port, 2)
        cap.ip("203.0.113.1", t.client[0], icmp(3, port % 16, t.quoted(20)), proto=1)
    return [frame for _, frame, _ in cap.frames]


def mutant(rng, frames):
    """A frame with one to four header bytes changed, mostly in TCP, sometimes in IP or Ethernet, sometimes cut."""
    frame = bytearray(rng.choice(frames))
    low, high = rng.choice([(TCP_AT, len(frame)), (TCP_AT, TCP_AT + 20), (TCP_AT + 12, TCP_AT + 14), (ETHERNET, len(frame)), (12, len(frame))])
    for _ in range(rng.randint(1, 4)):
        frame[rng.randrange(low, high)] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    return bytes(frame), rng.randrange(len(frame)) if rng.random() < 0.1 else None


@pytest.mark.trust
def test_mutated_headers(host, put):
    rng, frames, paths = random.Random(SEED), base_frames(), []
    for part in range(FILES):
        cap = Capture()
        for _ in range(MUTANTS // FILES):
            frame, keep = mutant(rng, frames)
            cap.add(frame, keep=keep, after=rng.choice([0, 1, 40, 1000, 300_000]))
        paths.append(put(f"mutants{part}.pcap", cap.bytes()))
    assert_no_trouble(host, *paths)
    in_parallel(lambda path: passes_agree(host, path), paths)


@pytest.mark.trust
@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_samples(host, everything, seed):
    """editcap changes two bytes of a hundred, anywhere in the frames of real captures."""
    path = host.output(f"mutated{seed}.pcapng")
    done = host.run(host.tool("editcap"), "--seed", seed, "-E", "0.02", everything, path)
    assert done.returncode == 0, done.stderr
    assert_no_trouble(host, path)
    passes_agree(host, path)


def test_what_is_no_longer_kept_is_said_without_a_tree(host, put):
    """65,536 entries of one connection without a finding: data sent again, each time after the window has gone on."""
    capture = Capture()
    talk = Talk(capture, 40000)
    talk.open()
    talk.c("PA", 1, 1, data=b"x" * 100)
    talk.s("A", 1, 101)
    for _ in range(66_000):
        talk.c("A", 1, 1, data=b"x" * 100, after=2_000_000)
    path = put("entries.pcap", capture.bytes())
    said = host.ts("-q", "-z", "expert", "-r", path).stdout
    assert said.count("Too much was found in this connection") == 1 and not host.numbers(path, "tcphs.anomaly")
    assert len(host.numbers(path, "tcphs.expert.unkept")) == 1
