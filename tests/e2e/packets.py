"""Makes captures byte by byte, so that a test knows exactly what stands in them.

Leaves to others: what tcphs should say about them.
"""
import collections
import struct

FLAGS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, "A": 0x10, "U": 0x20, "E": 0x40, "C": 0x80, "N": 0x100}
SYN_OPTIONS = bytes.fromhex("020405b4" "0402" "080a0000000100000000" "01" "030307")
ETHERNET, TCP_AT = 14, 34
START = 1_700_000_000_000_000  # microseconds; any moment will do, but always the same


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return bytes(int(x) for x in text.split("."))


def ipv4(src, dst, payload, proto=6, **lies):
    """lies: ident, ttl, length (total length field), ihl."""
    total = lies.get("length", 20 + len(payload))
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | lies.get("ihl", 5), 0, total & 0xFFFF, lies.get("ident", 1) & 0xFFFF, 0,
                       lies.get("ttl", 64), proto, 0, address(src), address(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip_header_length(packet):
    return 40 if packet[0] >> 4 == 6 else max(20, (packet[0] & 15) * 4)


def fragment_of(packet, at, piece, more, ident):
    """A fragment of an IP packet, version 4 or 6: a piece of what it carries, from so many bytes on (in eights); more: others follow behind
    it. IPv4 has room for 16 bits of the ident."""
    head = bytearray(packet[:ip_header_length(packet)])
    if packet[0] >> 4 == 6:
        struct.pack_into("!HB", head, 4, 8 + len(piece), 44)
        return bytes(head) + struct.pack("!BBHI", packet[6], 0, at | more, ident) + piece
    struct.pack_into("!HHH", head, 2, len(head) + len(piece), ident & 0xFFFF, more << 13 | at // 8)
    head[10:12] = b"\0\0"
    return bytes(head[:10]) + struct.pack("!H", checksum(bytes(head))) + bytes(head[12:]) + piece


def ethernet(payload, kind=0x0800):
    return b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + struct.pack("!H", kind) + payload


def bits(flags):
    return sum(FLAGS[f] for f in flags) if isinstance(flags, str) else flags


def tcp(src, dst, seq, ack, flags, **more):
    """src and dst are (address, port). more: data, window, options, offset (data offset field), urgent."""
    data, options = more.get("data", b""), more.get("options", b"")
    options += b"\0" * (-len(options) % 4)
    offset = more.get("offset", 5 + len(options) // 4)
    head = struct.pack("!HHIIHHHH", src[1], dst[1], seq % 2**32, ack % 2**32, offset << 12 | bits(flags), more.get("window", 64240), 0,
                       more.get("urgent", 0))
    body = head + options + data
    pseudo = address(src[0]) + address(dst[0]) + struct.pack("!BBH", 0, 6, len(body))
    return body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]


def icmp(kind, code, quote):
    head = struct.pack("!BBHI", kind, code, 0, 0)
    return head[:2] + struct.pack("!H", checksum(head + quote)) + head[4:] + quote


class Capture:
    """A pcap file in the making; every frame comes a millisecond after the one before unless told otherwise."""

    def __init__(self):
        self.frames, self.now, self.ident = [], START, 1

    def add(self, frame, keep=None, after=1000):
        """keep: how many bytes a snaplen left of the frame."""
        self.now += after
        kept = frame if keep is None else frame[:keep]
        self.frames.append((self.now, kept, len(frame)))
        return len(self.frames)

    def ip(self, src, dst, payload, proto=6, **more):
        place = {k: more.pop(k) for k in ("keep", "after") if k in more}
        self.ident += 1
        return self.add(ethernet(ipv4(src, dst, payload, proto, ident=self.ident, **more)), **place)

    def bytes(self, linktype=1):
        out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, linktype)]
        for when, kept, length in self.frames:
            out.append(struct.pack("<IIII", when // 1_000_000, when % 1_000_000, len(kept), length) + kept)
        return b"".join(out)


class Talk:
    """One connection in a capture. seq and ack are relative to the ISNs, as people write them; every call returns the frame number."""

    def __init__(self, capture, port, **more):
        self.capture, self.port = capture, port
        self.client, self.server = (more.get("client", "192.0.2.1"), port), (more.get("server", "198.51.100.7"), more.get("to", 80))
        self.iss, self.irs = more.get("iss", 1000 + 7919 * port), more.get("irs", 5_000_000 + 104729 * port)

    def send(self, from_client, flags, seq, ack, **more):
        place = {k: more.pop(k) for k in ("keep", "after", "ttl") if k in more}
        src, dst, own, other = ((self.client, self.server, self.iss, self.irs) if from_client
                                else (self.server, self.client, self.irs, self.iss))
        has_ack = bits(flags) & FLAGS["A"]
        raw_ack = other + ack if has_ack else ack
        return self.capture.ip(src[0], dst[0], tcp(src, dst, own + seq, raw_ack, flags, **more), **place)

    def c(self, flags, seq=0, ack=0, **more):
        return self.send(True, flags, seq, ack, **more)

    def s(self, flags, seq=0, ack=0, **more):
        return self.send(False, flags, seq, ack, **more)

    def open(self):
        return [self.c("S", 0, options=SYN_OPTIONS), self.s("SA", 0, 1, options=SYN_OPTIONS), self.c("A", 1, 1)]

    def quoted(self, length):
        """What an ICMP error quotes of the client's SYN: the IP header and the first bytes after it."""
        syn = tcp(self.client, self.server, self.iss, 0, "S", options=SYN_OPTIONS)
        return ipv4(self.client[0], self.server[0], syn)[:20 + length]


Record = collections.namedtuple("Record", "when length data")  # when: nanoseconds; length: on the wire


def read_pcap(path):
    """The records of a little-endian Ethernet pcap file, the kind our own captures are."""
    content = path.read_bytes()
    magic, linktype = struct.unpack("<I", content[:4])[0], struct.unpack("<I", content[20:24])[0]
    assert magic in (0xA1B2C3D4, 0xA1B23C4D) and linktype == 1, f"{path.name}: not a pcap of Ethernet frames"
    unit, place, out = 1 if magic == 0xA1B23C4D else 1000, 24, []
    while place < len(content):
        seconds, fraction, kept, length = struct.unpack("<IIII", content[place:place + 16])
        out.append(Record(seconds * 10**9 + fraction * unit, length, content[place + 16:place + 16 + kept]))
        place += 16 + kept
    return out


def pcap_bytes(records):
    """A nanosecond pcap file of Ethernet frames."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for r in records:
        out.append(struct.pack("<IIII", r.when // 10**9, r.when % 10**9, len(r.data), r.length) + r.data)
    return b"".join(out)
