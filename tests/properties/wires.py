"""Turns conversations into captures with scapy, and what tshark says of the captures into one story per conversation.

Leaves to others: where conversations come from (peers.py, strategies.py) and which stories must be equal (test_properties.py).
A story names frames by their place in the conversation, and connections by their order in it, so that two captures can be compared.
"""
import collections
import re
import struct

from scapy.compat import raw
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from peers import CLIENT

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
# Server ports: one that Zeek takes for a server's, and others below every client port.
SERVER_PORTS, ZEEK_PORTS = (1025, 2000, 7777, 12345), (80, 443, 22, 8080)
Wire = collections.namedtuple("Wire", "number client server client_port server_port isns start", defaults=(0,))
# Where one conversation is: addresses and ports, the two initial sequence numbers, when it begins (microseconds).


def wire(number, **changes):
    """The plain place of the number-th conversation of a capture."""
    return Wire(number, f"10.1.{number // 250}.{1 + number % 250}", f"10.2.{number // 250}.{1 + number % 250}", 40000, SERVER_PORTS[number % 4],
                (1000 + 7919 * number, 5_000_000 + 104729 * number))._replace(**changes)


def option_list(segment):
    if "S" not in segment.flags:
        return []
    more = [] if segment.scale is None else [("NOP", None), ("WScale", segment.scale)]
    return [("MSS", 1460), ("NOP", None), ("NOP", None), ("SAckOK", b""), *more]


def frame(segment, w):
    """One Ethernet frame. The acknowledgment field counts from the receiver's number only where the ACK flag says it counts."""
    ends = [(w.client, w.client_port, w.isns[0]), (w.server, w.server_port, w.isns[1])]
    (src, sport, own), (dst, dport, other) = ends if segment.sender == CLIENT else ends[::-1]
    ack = (other + segment.ack) % 2**32 if "A" in segment.flags else segment.ack
    tcp = TCP(sport=sport, dport=dport, seq=(own + segment.seq) % 2**32, ack=ack, flags=segment.flags,
              window=on_the_wire(segment), options=option_list(segment))
    ip = IP(src=src, dst=dst, ttl=segment.ttl, id=segment.ident)
    return raw(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ip / tcp / (b"x" * segment.length))


class Capture:
    """Frames of many conversations in order of time. The late stranger at the end lets every earlier verdict be a final one."""

    def __init__(self, conversations, wires, shift=0):
        told = [(w.start + s.time, w.number, index, s, w) for conversation, w in zip(conversations, wires) for index, s in enumerate(conversation)]
        told.sort(key=lambda row: row[:3])
        last = told[-1][0] if told else 0
        self.places = {number: row[1:3] for number, row in enumerate(told, 1)}
        self.frames = [(row[0] + START + shift, frame(row[3], row[4])) for row in told]
        if told:
            silence = told[-1][3]._replace(time=0, flags="S", seq=0, ack=0, length=0)
            self.frames.append((last + START + shift + 3600 * SECOND, frame(silence, wire(9999, client="10.9.9.1", server="10.9.9.2"))))

    def bytes(self):
        out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
        for when, data in self.frames:
            out.append(struct.pack("<IIII", when // SECOND, when % SECOND, len(data), len(data)) + data)
        return b"".join(out)


def stories(frames, places):
    """conversation -> index of segment -> its fields."""
    told, ranks = collections.defaultdict(dict), collections.defaultdict(dict)
    for one in frames:
        if one.number in places:
            conversation, index = places[one.number]
            told[conversation][index] = {k: [in_own_words(k, v, conversation, places, ranks) for v in vs] for k, vs in one.fields.items()}
    return dict(told)


def in_own_words(name, value, conversation, places, ranks):
    def own(number):
        owner, index = places.get(int(number), (None, None))
        return f"#{index}" if owner == conversation else f"frame {number} of another conversation"
    if name.endswith("_frame"):
        return own(value)
    if name == "tcphs.id":
        return ranks[conversation].setdefault(value, len(ranks[conversation]))
    return re.sub(r"(?<=frame )\d+", lambda m: own(m.group()), value) if name == "tcphs.explain" else value


def anomalies(story):
    """Names of the anomalies of a conversation."""
    return {name.removeprefix("tcphs.anomaly.") for fields in story.values() for name in fields if name.startswith("tcphs.anomaly.")}


def on_the_wire(segment):
    """The window field: never scaled on a SYN."""
    return min(segment.window >> (0 if "S" in segment.flags else segment.scale or 0), 65535)


def read_aloud(conversation):
    """A conversation in the notation of tests/scripts, so that a counterexample can become a trace script."""
    out, last = [], 0
    for s in conversation:
        flags = "".join(f for f in s.flags if f != "A") + ("." if "A" in s.flags else "") or "-"
        ack = f" ack {s.ack}" if "A" in s.flags else ""
        scale = "" if s.scale is None else f",wscale {s.scale}"
        options = f" <mss 1460,sackOK{scale}>" if "S" in s.flags else ""
        out.append(f"{'><'[s.sender]} {flags:3} {s.seq}:{s.seq + s.length}({s.length}){ack} win {on_the_wire(s)} ipid {s.ident} ttl {s.ttl}"
                   f"{options} +{(s.time - last) / SECOND:.6f}")
        last = s.time
    return "\n".join(out)
