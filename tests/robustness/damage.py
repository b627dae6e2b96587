"""Damages captures: takes a few frames of healthy ones and breaks what a hostile or unlucky capture could break.

Every capture it writes is one that nobody has seen before, and comes again with the same seed and number. Leaves to others: what
reads it, and what is wrong with the reader (test_damaged.py).
"""
import random
import struct
import zlib

from packets import fragment_of, ip_header_length

ETHERNETS = (1,)
LINK_LENGTH = {1: 14, 101: 0, 113: 16, 228: 0, 276: 20}  # Ethernet, raw IP, Linux cooked, IPv4, Linux cooked v2
MOST_FRAMES = 40
EDGES = (0, 1, 0x7F, 0x80, 0xFF)
WORDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LONG_AGO, FAR_AHEAD = 0, 2**62
RESOLUTIONS = {6: 1000, 9: 1, 3: 10**6}  # of pcapng time stamps: code, nanoseconds


class Frame:
    """A captured frame: nanoseconds, bytes, and the length it had on the wire."""

    def __init__(self, time, data, wire):
        self.time, self.data, self.wire = time, bytearray(data), wire

    def copy(self):
        return Frame(self.time, self.data, self.wire)


def read_pcap(content):
    """(link type, frames) of a pcap file of either precision, or None where it is none."""
    if len(content) < 24 or content[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return None
    unit = 1000 if content[:4] == b"\xd4\xc3\xb2\xa1" else 1
    link, at, frames = struct.unpack("<I", content[20:24])[0], 24, []
    while at + 16 <= len(content):
        seconds, fraction, kept, wire = struct.unpack("<IIII", content[at:at + 16])
        frames.append(Frame(seconds * 10**9 + fraction * unit, content[at + 16:at + 16 + kept], wire))
        at += 16 + kept
    return link, frames


def write_pcap(link, frames):
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link)]
    for f in frames:
        seconds, fraction = divmod(f.time, 10**9)
        out.append(struct.pack("<IIII", seconds % 2**32, fraction, len(f.data), f.wire) + f.data)
    return b"".join(out)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def write_pcapng(link, frames, rng):
    """Two interfaces, and time stamps of one resolution or another."""
    resolution, unit = rng.choice(sorted(RESOLUTIONS.items()))
    interface = struct.pack("<HHI", link, 0, 0) + struct.pack("<HHBxxxHH", 9, 1, resolution, 0, 0)
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, interface), block(1, interface)]
    for f in frames:
        stamp = f.time // unit
        head = struct.pack("<IIIII", rng.randrange(2), stamp >> 32, stamp % 2**32, len(f.data), f.wire)
        out.append(block(6, head + f.data))
    return b"".join(out)


def ip_at(link, data):
    """Where the innermost of the plain headers stands: IP behind the link layer and VLAN tags, or None."""
    at = LINK_LENGTH.get(link)
    if at is None:
        return None
    while link in ETHERNETS and data[at - 2:at] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at if at + 20 <= len(data) and data[at] >> 4 in (4, 6) else None


def tcp_at(link, data):
    at = ip_at(link, data)
    if at is None:
        return None
    at += 40 if data[at] >> 4 == 6 else (data[at] & 15) * 4
    return at if at + 20 <= len(data) else None


def operate_on_tcp(rng, data, at):
    """Flags, numbers, options, lengths: what tcphs judges by."""
    kind = rng.randrange(8)
    if kind == 0:
        data[at + 13] = rng.choice((0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x01, 0x29, 0, rng.randrange(256)))
        data[at + 12] ^= rng.random() < 0.1
    elif kind in (1, 2):
        place = at + 4 * kind
        number = struct.unpack_from("!I", data, place)[0]
        number = rng.choice((number + rng.randint(-2, 2), number + rng.randint(-70000, 70000), rng.choice(WORDS), rng.randrange(2**32)))
        struct.pack_into("!I", data, place, number % 2**32)
    elif kind == 3:
        data[at + 12] = rng.randrange(16) << 4 | data[at + 12] & 15
    elif kind == 4:
        struct.pack_into("!H", data, at + rng.choice((14, 18)), rng.choice((0, 1, 65535, rng.randrange(65536))))
    elif kind == 5 and len(data) > at + 20:
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(at + 20, len(data))] = rng.choice((0, 1, 2, 3, 4, 5, 8, 34, 30, 254, 255, 10, rng.randrange(256)))
    elif kind == 6:
        struct.pack_into("!HH", data, at, *rng.choice(((80, 80), (0, 0), (40000, 80), (80, 40000))))
    else:
        data[rng.randrange(at, min(at + 20, len(data)))] = rng.choice(EDGES)


def operate_on_ip(rng, data, at):
    kind = rng.randrange(6)
    if kind == 0:
        struct.pack_into("!H", data, at + 2, rng.choice((0, 1, 19, 20, 39, 40, 65535, rng.randrange(65536))))
    elif kind == 1:
        data[at] = rng.randrange(256)
    elif kind == 2:
        data[at + (7 if data[at] >> 4 == 6 else 8)] = rng.randrange(256)
    elif kind == 3:
        data[at + (6 if data[at] >> 4 == 6 else 9)] = rng.choice((6, 1, 4, 41, 47, 132, 0, 43, 44, 58, 17, rng.randrange(256)))
    elif kind == 4:
        struct.pack_into("!H", data, at + 6, rng.choice((0x2000, 1, 0x2001, 0x4000, rng.randrange(65536))))
    else:
        data[rng.randrange(at, at + 20)] = rng.choice(EDGES)


def surgery(rng, link, frames):
    for f in rng.sample(frames, rng.randint(1, min(4, len(frames)))):
        ip, tcp = ip_at(link, f.data), tcp_at(link, f.data)
        if tcp is not None and rng.random() < 0.75:
            operate_on_tcp(rng, f.data, tcp)
        elif ip is not None:
            operate_on_ip(rng, f.data, ip)


def noise(rng, _link, frames):
    """As `editcap -E` does it: every byte with the same probability, by a bit, a byte, or a letter."""
    share = rng.choice((0.001, 0.01, 0.05))
    for f in frames:
        for i in range(len(f.data)):
            if rng.random() < share:
                f.data[i] = rng.choice((f.data[i] ^ 1 << rng.randrange(8), rng.randrange(256), 0x41, 0))


def cut(rng, _link, frames):
    """A snapshot length, or single frames that end early."""
    keep = rng.choice((14, 34, 38, 42, 46, 50, 54, 58, 66, rng.randrange(100)))
    for f in frames if rng.random() < 0.5 else rng.sample(frames, 1):
        del f.data[keep:]


def lie(rng, _link, frames):
    """The length on the wire, as the file has it, is not what was sent."""
    for f in rng.sample(frames, rng.randint(1, min(3, len(frames)))):
        f.wire = rng.choice((0, len(f.data), 65535, 2**31 - 1))


def shuffle(rng, _link, frames):
    """Frames, not times, change places: neighbours, or all."""
    if rng.random() < 0.3:
        rng.shuffle(frames)
        return
    for _ in range(rng.randint(1, 4)):
        i = rng.randrange(len(frames))
        frames.insert(rng.randrange(max(0, i - 3), i + 1), frames.pop(i))


def double(rng, _link, frames):
    for _ in range(rng.randint(1, 6)):
        i = rng.randrange(len(frames))
        again = frames[i].copy()
        again.time += rng.choice((0, 10_000, 60_000, 10**6, 99 * 10**6, 10**9))
        frames.insert(min(len(frames), i + rng.randint(0, 3)), again)


def drop(rng, _link, frames):
    for _ in range(min(len(frames) - 1, rng.randint(1, 6))):
        frames.pop(rng.randrange(len(frames)))


def shift_time(rng, _link, frames):
    step = rng.choice((-10**9, 10**9, 61 * 10**9, 241 * 10**9, 3600 * 10**9, 10**14, LONG_AGO, FAR_AHEAD))
    for f in frames[rng.randrange(len(frames)):]:
        f.time = step if step in (LONG_AGO, FAR_AHEAD) else max(0, f.time + step)


def tag(rng, link, frames):
    """VLAN tags on some frames, of one number or of many."""
    if link in ETHERNETS:
        for f in frames:
            if rng.random() < 0.5:
                f.data[12:12] = struct.pack("!HH", 0x8100, rng.choice((1, 2, rng.randrange(4096))))
                f.wire += 4


def replace(frame, data):
    """Other bytes of the same frame; what was cut off stays cut off."""
    return Frame(frame.time, data, max(0, frame.wire + len(data) - len(frame.data)))


def in_fragments(rng, frame, ip):
    """The frame as fragments of IPv4 or IPv6, in any order; now and then without the last, or with bytes twice."""
    link, packet = bytes(frame.data[:ip]), bytes(frame.data[ip:])
    size, body, out = rng.choice((8, 16, 24, 32, 512)), packet[ip_header_length(packet):], []
    for at in range(0, max(1, len(body)), size):
        piece, more = body[at:at + size + rng.choice((0, 0, 0, 8))], at + size < len(body)
        ident = zlib.crc32(body) if packet[0] >> 4 == 6 else int.from_bytes(packet[4:6], "big")
        out.append(replace(frame, link + fragment_of(packet, at, piece, more, ident)))
    if rng.random() < 0.3:
        rng.shuffle(out)
    return out[:-1] if len(out) > 1 and rng.random() < 0.1 else out


def fragment(rng, link, frames):
    """Some IP packets come in fragments."""
    for f in rng.sample(frames, rng.randint(1, min(6, len(frames)))):
        ip = ip_at(link, f.data)
        if ip is not None and len(f.data) < 4000:
            i = frames.index(f)
            frames[i:i + 1] = in_fragments(rng, f, ip)


def over_udp(rng, port, body, length):
    """A UDP header in front of a tunnel's, whose length lies now and then."""
    udp_length = rng.choice((8 + len(body) + length, rng.randrange(8, 100)))
    return 17, struct.pack("!HHHH", 40000, port, udp_length % 65536, 0) + body


def tunnel_header(rng, is_v6, length):
    """(IP protocol, what stands between the outer IP header and the inner one): IP in IP, GRE with a key, PPTP or ERSPAN, AH, or VXLAN,
    Geneve or GTP over UDP."""
    kind, number = 0x86DD if is_v6 else 0x0800, rng.choice((7, rng.randrange(2**16)))
    inside = 41 if is_v6 else 4
    link_header = b"\x02" * 12 + struct.pack("!H", kind)
    choice = rng.randrange(9)
    if choice == 0:
        return inside, b""
    if choice == 1:
        return 47, struct.pack("!HH", 0, kind)
    if choice == 2:
        return 47, struct.pack("!HHI", 0x2000, kind, number)
    if choice == 3:
        return 47, struct.pack("!HHHHI4s", 0x3001, 0x880B, length + 4, number, 1, b"\xff\x03\0" + bytes((0x57 if is_v6 else 0x21,)))
    if choice == 4:
        return 47, struct.pack("!HHIII", 0x1000, 0x88BE, 7, 1 << 28 | number, 0) + link_header
    if choice == 5:
        return 51, struct.pack("!BBHIIQI", inside, rng.choice((4, 4, rng.randrange(256))), 0, 1, 1, 0, 0)
    if choice == 6:
        return over_udp(rng, 6081, struct.pack("!HHI", rng.choice((0, 0, 0x0100)), 0x6558, number << 8) + link_header, length)
    if choice == 7:
        return over_udp(rng, 2152, struct.pack("!BBHI", 0x30, 255, length, number), length)
    return over_udp(rng, 4789, struct.pack("!II", 0x08000000, number << 8) + link_header, length)


def inner_header(packet):
    """An IPv4 header for an IP packet in IP."""
    length = min(20 + len(packet), 65535)
    return struct.pack("!BBHHHBBH", 0x45, 0, length, 1, 0, 64, 41 if packet[0] >> 4 == 6 else 4, 0) + bytes((10, 0, 0, 1, 10, 0, 0, 2))


def wrap(rng, link, frames):
    """Some IP packets go through a tunnel between the same two ends; the outer lengths lie now and then."""
    outer = rng.choice((struct.pack("!4s4s", bytes((203, 0, 113, 1)), bytes((203, 0, 113, 2))), rng.randbytes(8)))
    for i, f in enumerate(frames):
        ip = ip_at(link, f.data)
        if ip is None or rng.random() < 0.3:
            continue
        inner = bytes(f.data[ip:])
        for _ in range(rng.choice((0, 0, 0, 0, 1, 3, 30))):
            inner = inner_header(inner) + inner
        proto, between = tunnel_header(rng, inner[0] >> 4 == 6, len(inner))
        inner = between + inner
        length = rng.choice((20 + len(inner), 20 + len(inner), rng.randrange(20, 120)))
        link_header = bytearray(f.data[:ip])
        if link in ETHERNETS:
            link_header[-2:] = b"\x08\x00"
        head = struct.pack("!BBHHHBBH", 0x45, 0, length % 65536, rng.randrange(65536), 0, 64, proto, 0) + outer
        frames[i] = replace(f, bytes(link_header) + head + inner)


KINDS = {"surgery": surgery, "noise": noise, "cut": cut, "lie": lie, "shuffle": shuffle, "double": double, "drop": drop, "time": shift_time, "tag": tag,
         "fragment": fragment, "wrap": wrap}
OFTEN = ["surgery"] * 6 + ["fragment", "fragment", "wrap", "noise", "cut", "cut", "lie", "shuffle", "shuffle", "double", "double", "drop", "time", "tag"]


def damage_file(rng, content):
    """The file itself, of either kind: it ends early, or a length in it lies."""
    content = bytearray(content)
    if rng.random() < 0.5:
        return bytes(content[:rng.randrange(len(content))])
    for _ in range(rng.randint(1, 3)):
        struct.pack_into("<I", content, rng.randrange(0, len(content) - 4), rng.choice(WORDS + (rng.randrange(2**16),)))
    return bytes(content)


class Damager:
    """Makes damaged captures out of healthy ones, given as the contents of pcap files."""

    def __init__(self, healthy):
        self.healthy = [(link, frames) for link, frames in filter(None, map(read_pcap, healthy)) if frames]
        assert self.healthy, "nothing to damage"

    def piece(self, rng, link=None):
        """Some frames in a row of one capture."""
        choices = [h for h in self.healthy if link in (None, h[0])]
        link, frames = rng.choice(choices)
        count = rng.randint(min(4, len(frames)), min(MOST_FRAMES, len(frames)))
        start = rng.choice((0, rng.randint(0, len(frames) - count)))
        return link, [f.copy() for f in frames[start:start + count]]

    def merged(self, rng):
        """One capture, or several with one clock, one after the other (time going backwards) or mixed."""
        link, frames = self.piece(rng)
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            more = self.piece(rng, link)[1]
            for f in more:
                f.time += frames[0].time - more[0].time
            frames += more
        if rng.random() < 0.5:
            frames.sort(key=lambda f: f.time)
        return link, frames

    def make(self, seed, number):
        """(content, name of what was done) of damaged capture `number`."""
        rng = random.Random(f"{seed}/{number}")
        link, frames = self.merged(rng)
        done = [rng.choice(OFTEN) for _ in range(rng.randint(1, 4))]
        for kind in done:
            KINDS[kind](rng, link, frames)
        content = write_pcapng(link, frames, rng) if rng.random() < 0.3 else write_pcap(link, frames)
        if rng.random() < 0.15:
            content, done = damage_file(rng, content), done + ["file"]
        return content, "+".join(done)
