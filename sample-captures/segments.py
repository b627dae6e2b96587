# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames as bytes: read one TCP segment, build one, alter one, wrap one, and write capture files.

Standard library only, so that captures can be made where nothing else is installed.
"""
import socket
import struct
import time
from collections import namedtuple

ETH, IP4 = 14, 20            # these captures use no IPv4 options
FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))
LETTERS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, "A": ACK, "U": URG}
Segment = namedtuple("Segment", "flow seq ack flags window length end")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def parse_tcp(frame):
    """The TCP segment of an IPv4 frame, or None."""
    if frame[12:14] != b"\x08\x00" or frame[ETH + 9] != socket.IPPROTO_TCP:
        return None
    total, = struct.unpack_from("!H", frame, ETH + 2)
    source, target = (socket.inet_ntoa(frame[at:at + 4]) for at in (ETH + 12, ETH + 16))
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", frame, ETH + IP4)
    length = total - IP4 - (offset >> 4) * 4
    end = (seq + length + bool(flags & SYN) + bool(flags & FIN)) & 0xFFFFFFFF
    return Segment((source, sport, target, dport), seq, ack, flags, window, length, end)


def _summed(source, target, tcp):
    """The TCP bytes with the checksum filled in; addresses are raw bytes."""
    tcp = tcp[:16] + b"\0\0" + tcp[18:]
    pseudo = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
    return tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]


def ip4_header(source, target, protocol, length, ttl=64, ident=0):
    raw = struct.pack("!BBHHHBBH4s4s", 0x45, 0, IP4 + length, ident, 0x4000, ttl, protocol, 0, source, target)
    return raw[:10] + struct.pack("!H", checksum(raw)) + raw[12:]


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))


def tcp_frame(source_mac, target_mac, flow, flags, *, seq=0, ack=0, payload=b"", ttl=64, window=64240):
    """flags: letters of FSRPAU. Without A the acknowledgment number is 0, as real stacks send it."""
    bits = sum(LETTERS[letter] for letter in flags)
    tcp = struct.pack("!HHIIBBHHH", flow[1], flow[3], seq, ack if bits & ACK else 0, 5 << 4, bits, window, 0, 0)
    source, target = socket.inet_aton(flow[0]), socket.inet_aton(flow[2])
    tcp = _summed(source, target, tcp + payload)
    return (_mac(target_mac) + _mac(source_mac) + b"\x08\x00"
            + ip4_header(source, target, socket.IPPROTO_TCP, len(tcp), ttl) + tcp)


def edit_tcp(frame, *, ack=0):
    """The same frame with `ack` added to its acknowledgment number."""
    start = ETH + IP4
    old, = struct.unpack_from("!I", frame, start + 8)
    tcp = frame[start:start + 8] + struct.pack("!I", (old + ack) & 0xFFFFFFFF) + frame[start + 12:]
    return frame[:start] + _summed(frame[ETH + 12:ETH + 16], frame[ETH + 16:ETH + 20], tcp)


# Headers this kernel has no module for, written around real frames.

def in_vlan(number):
    return lambda frame: frame[:12] + struct.pack("!HH", 0x8100, number) + frame[12:]


def in_gre(frame):
    """An IPv4 frame as the payload of a GRE tunnel between 203.0.113.1 and .2, in the frame's own direction."""
    ends = [socket.inet_aton(address) for address in ("203.0.113.1", "203.0.113.2")]
    if frame[5] == 0x0C:                # towards the client, whose address ends so
        ends.reverse()
    inner = struct.pack("!HH", 0, 0x0800) + frame[ETH:]
    return frame[:ETH] + ip4_header(*ends, socket.IPPROTO_GRE, len(inner)) + inner


def is_wanted(frame):
    """IPv4, and of IPv6 what is no housekeeping of the neighbourhood."""
    kind = frame[12:14]
    if kind == b"\x86\xdd":
        following = frame[ETH + 6]
        return following == socket.IPPROTO_TCP or (following == socket.IPPROTO_ICMPV6 and frame[ETH + 40] < 128)
    return kind == b"\x08\x00"


def pcap_header(snaplen):
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, 1)


def pcap_record(when, frame, snaplen):
    """when: nanoseconds."""
    kept = frame[:snaplen]
    return struct.pack("<IIII", when // 10**9, when % 10**9 // 1000, len(kept), len(frame)) + kept


class Capture:
    """What a capture tool would have written down. A scenario sets the attributes before it sends anything."""

    def __init__(self):
        self.frames = []            # (nanoseconds, interface, frame)
        self.running = True
        self.snaplen = 262144
        self.copies = 1             # 2 = a mirror port that copies both sides of the switch
        self.only = None            # "client" or "server": the direction that is seen
        self.wrap = None            # a header to write around each frame
        self.interface = 0
        self.comment = None         # pcapng only

    def view(self, **changes):
        """Another tap of the same capture file: the same frames list, other settings."""
        other = Capture()
        other.__dict__.update(self.__dict__, **changes)
        return other

    def add(self, frame, sender):
        if not self.running or not is_wanted(frame) or self.only not in (None, sender):
            return
        frame = self.wrap(frame) if self.wrap else frame
        for _copy in range(self.copies):
            self.frames.append((time.time_ns(), self.interface, frame))

    def bytes(self, pcapng):
        return self._pcapng() if pcapng else self._pcap()

    def _pcap(self):
        records = [pcap_record(when, frame, self.snaplen) for when, _interface, frame in self.frames]
        return b"".join([pcap_header(self.snaplen), *records])

    def _pcapng(self):
        comment = _option(1, self.comment.encode()) + _option(0, b"") if self.comment else b""
        out = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + comment)]
        for number in sorted({interface for _when, interface, _frame in self.frames}):
            name = _option(2, f"eth{number}".encode()) + _option(0, b"")
            out.append(_block(1, struct.pack("<HHI", 1, 0, self.snaplen) + name))
        for when, interface, frame in self.frames:
            kept = frame[:self.snaplen]
            stamp = when // 1000
            out.append(_block(6, struct.pack("<IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(kept),
                                             len(frame)) + _padded(kept)))
        return b"".join(out)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _option(code, value):
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind, body):
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
