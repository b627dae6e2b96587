"""Makes captures for measuring: the same bytes every time, of any size, written as they are made.

Leaves to others: what is measured with them (bench.py).
"""
import struct

FILE = ("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144)
ETHERNET_LINK, WIFI_LINK = 1, 105
ETHERNET = bytes.fromhex("02000000000102000000000208 00".replace(" ", ""))
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
SERVER = bytes([10, 0, 0, 1])
MSS = 1448
REQUEST = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
BODY = 3000
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % BODY + b"y" * BODY


def options(syn, stamp):
    """What a common kernel puts into every header: in a SYN segment size, SACK, timestamps, scale; else timestamps."""
    if syn:
        return struct.pack("!BBHBBBBIIBBBB", 2, 4, 1460, 4, 2, 8, 10, stamp, 0, 1, 3, 3, 7)
    return struct.pack("!BBBBII", 1, 1, 8, 10, stamp, stamp)


def packet(ends, ident, numbers, data=b""):
    """An IP packet. ends: source address and port, destination address and port; numbers: seq, ack, flags, time stamp."""
    (src, sport, dst, dport), (seq, ack, flags, stamp) = ends, numbers
    more = options(flags & SYN, stamp)
    words = (20 + len(more)) // 4
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, words << 4, flags, 64240, 0, 0)
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + words * 4 + len(data), ident, 0, 64, 6, 0, src, dst) + tcp + more + data


# Microseconds from packet to packet; slow where each packet is a connection of its own, so that small captures too are long enough for
# connections to come to rest.
PACE, SLOW = 100, 10_000


class Writer:
    """A pcap file."""

    def __init__(self, path, link=ETHERNET_LINK, pace=PACE):
        self.out, self.packets, self.now, self.ident, self.pace = open(path, "wb", buffering=1 << 20), 0, 1_700_000_000_000_000, 0, pace
        self.out.write(struct.pack(*FILE, link))

    def packet(self, ends, numbers, data=b""):
        self.ident = (self.ident + 1) & 0xFFFF
        return packet(ends, self.ident, (*numbers, self.now // 1000 & 0xFFFFFFFF), data)

    def frame(self, frame):
        self.now, self.packets = self.now + self.pace, self.packets + 1
        self.out.write(struct.pack("<IIII", self.now // 1_000_000, self.now % 1_000_000, len(frame), len(frame)) + frame)

    def send(self, ends, seq, ack, flags, data=b""):
        self.frame(ETHERNET + self.packet(ends, (seq, ack, flags), data))

    def close(self):
        self.out.close()
        return self.packets


def client(number):
    return struct.pack("!I", 0x0A010000 + number % 500), 10000 + number // 500 % 50000


def answered(out, ends, numbers, lost):
    """One answer in segments, each acknowledged; every so many of them (lost, 0: none) is lost behind the capture point and comes again."""
    there, back = ends
    a, b = numbers
    for at in range(0, len(RESPONSE), MSS):
        part = RESPONSE[at:at + MSS]
        flags = ACK | (PSH if at + MSS >= len(RESPONSE) else 0)
        out.send(back, b, a, flags, part)
        if lost and out.packets % lost < 2:
            out.send(there, a, b, ACK)
            out.now += 200_000
            out.send(back, b, a, flags, part)
        b += len(part)
        out.send(there, a, b, ACK)
    return b


def connection(out, number, exchanges, reset=False, lost=0):
    """A handshake, request and answer so many times, and a close by FIN or RST."""
    address, port = client(number)
    there, back = (address, port, SERVER, 80), (SERVER, 80, address, port)
    a, b = number * 7919, number * 104729
    out.send(there, a, 0, SYN)
    out.send(back, b, a + 1, SYN | ACK)
    out.send(there, a + 1, b + 1, ACK)
    a, b = a + 1, b + 1
    for _ in range(exchanges):
        out.send(there, a, b, PSH | ACK, REQUEST)
        a += len(REQUEST)
        out.send(back, b, a, ACK)
        b = answered(out, (there, back), (a, b), lost)
    if reset:
        out.send(there, a, b, RST | ACK)
        return
    out.send(there, a, b, FIN | ACK)
    out.send(back, b, a + 1, FIN | ACK)
    out.send(there, a + 1, b + 1, ACK)


def short(path, connections):
    """14 packets each: one exchange."""
    out = Writer(path)
    for number in range(connections):
        connection(out, number, 1)
    return out.close()


def usual(path, connections):
    """50 packets each in the mean: five or six exchanges."""
    out = Writer(path)
    for number in range(connections):
        connection(out, number, 5 + number % 2)
    return out.close()


def rough(path, connections):
    """As usual, but one answer's segment in fifty is lost, and one connection in ten ends by RST."""
    out = Writer(path)
    for number in range(connections):
        connection(out, number, 5 + number % 2, reset=number % 10 == 0, lost=100)
    return out.close()


def flood(path, syns):
    """SYNs that nobody answers, each from an address of its own."""
    out = Writer(path, pace=SLOW)
    for number in range(syns):
        out.send((struct.pack("!I", 0x0B000000 + number), 40000, SERVER, 80), number * 7919, 0, SYN)
    return out.close()


def opened(out, port):
    """The two ends of one connection, after its handshake; the next number of either is 1."""
    address, own = client(1)
    there, back = (address, own, SERVER, port), (SERVER, port, address, own)
    out.send(there, 0, 0, SYN)
    out.send(back, 0, 1, SYN | ACK)
    out.send(there, 1, 1, ACK)
    return there, back


def bulk(path, segments):
    """One connection of many segments: small requests and answers, on a port where no dissector waits for the end of a message."""
    out = Writer(path)
    (there, back), a, b = opened(out, 5001), 1, 1
    for _ in range(segments // 2):
        out.send(there, a, b, PSH | ACK, b"x")
        a += 1
        out.send(back, b, a, PSH | ACK, b"y" * 20)
        b += 20
    return out.close()


def many_findings(path, segments):
    """One connection, and segments that acknowledge far more than was sent, each another number."""
    out = Writer(path)
    there, _ = opened(out, 80)
    for number in range(segments):
        out.send(there, 1, 0x40000000 + number * 1000, ACK)
    return out.close()


def aggregates(path, frames):
    """Wi-Fi frames (A-MSDU) of 100 TCP segments each: 100 connections at a time go through their segments side by side."""
    out = Writer(path, WIFI_LINK)
    head = bytes.fromhex("8801 0000 020000000003 020000000001 020000000002 0000 8000".replace(" ", ""))
    steps = ((0, SYN, 0, 0), (1, SYN | ACK, 0, 1), (0, ACK, 1, 1), (0, FIN | ACK, 1, 1), (1, FIN | ACK, 1, 2), (0, ACK, 2, 2))
    for number in range(frames):
        from_server, flags, seq, ack = steps[number % len(steps)]
        body = b""
        for each in range(100):
            address, port = client(number // len(steps) * 100 + each)
            ends = (SERVER, 80, address, port) if from_server else (address, port, SERVER, 80)
            inside = bytes.fromhex("aaaa030000000800") + out.packet(ends, (seq, ack, flags))
            body += b"\0" * (-len(body) % 4) + head[10:16] + head[4:10] + struct.pack("!H", len(inside)) + inside
        out.frame(head + body)
    return out.close()


def tunnels(path, frames):
    """A SYN, each of another connection, inside 100 IP headers."""
    out = Writer(path)
    for number in range(frames):
        inside = out.packet((*client(number), SERVER, 80), (0, 0, SYN))
        for _ in range(99):
            inside = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(inside), 0, 0, 64, 4, 0, SERVER, client(1)[0]) + inside
        out.frame(ETHERNET + inside)
    return out.close()


def paths(path, segments):
    """One connection whose every segment comes through a tunnel of its own (GRE, by its key)."""
    out = Writer(path, pace=SLOW)
    address, port = client(1)
    there, back = (address, port, SERVER, 80), (SERVER, 80, address, port)
    for number in range(segments):
        inside = out.packet(back if number % 2 else there, (1, 1, ACK))
        gre = struct.pack("!HHI", 0x2000, 0x0800, number) + inside
        outer = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(gre), 0, 0, 64, 47, 0, SERVER, address)
        out.frame(ETHERNET + outer + gre)
    return out.close()


def trunk(path, connections):
    """Handshake and close, each direction on a VLAN of its own."""
    out = Writer(path, pace=SLOW)
    for number in range(connections):
        address, port = client(number)
        there, back = (address, port, SERVER, 80), (SERVER, 80, address, port)
        for ends, seq, ack, flags in ((there, 0, 0, SYN), (back, 0, 1, SYN | ACK), (there, 1, 1, ACK), (there, 1, 1, FIN | ACK), (back, 1, 2, FIN | ACK),
                                      (there, 2, 2, ACK)):
            tag = struct.pack("!HH", 0x8100, 10 if ends is there else 20)
            out.frame(ETHERNET[:12] + tag + ETHERNET[12:] + out.packet(ends, (seq, ack, flags)))
    return out.close()


def islands(path, segments):
    """One connection with a hole behind every byte of it, and the last byte first."""
    out = Writer(path)
    there, back = opened(out, 5001)
    out.send(there, 1, 1, PSH | ACK, b"x")
    out.send(back, 1, 2, ACK)
    for number in range(segments, 0, -1):
        out.send(there, 2 + 2 * number, 1, ACK, b"x")
    return out.close()


def ping_pong(path, attempts):
    """One pair of addresses and ports: SYN, RST, SYN, RST …"""
    out = Writer(path, pace=SLOW)
    address, port = client(1)
    for number in range(attempts):
        out.send((address, port, SERVER, 81), number, 0, SYN)
        out.send((SERVER, 81, address, port), 0, number + 1, RST | ACK)
    return out.close()


def reuse(path, times):
    """One pair of addresses and ports used again and again, each time opened and closed in order."""
    out = Writer(path)
    for number in range(times):
        out.now += 120_000_000
        address, port = client(1)
        there, back, a, b = (address, port, SERVER, 80), (SERVER, 80, address, port), number * 100_000, number * 70_000
        out.send(there, a, 0, SYN)
        out.send(back, b, a + 1, SYN | ACK)
        out.send(there, a + 1, b + 1, ACK)
        out.send(there, a + 1, b + 1, FIN | ACK)
        out.send(back, b + 1, a + 2, FIN | ACK)
        out.send(there, a + 2, b + 2, ACK)
    return out.close()
