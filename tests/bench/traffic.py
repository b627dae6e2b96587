"""Makes captures for measuring: the same bytes every time, of any size, written as they are made.

Leaves to others: what is measured with them (bench.py).
"""
import struct

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)  # Ethernet
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


class Writer:
    def __init__(self, path):
        self.out, self.packets, self.now, self.ident = open(path, "wb", buffering=1 << 20), 0, 1_700_000_000_000_000, 0
        self.out.write(HEADER)

    def send(self, ends, seq, ack, flags, data=b""):
        """ends: source address and port, destination address and port."""
        self.ident, self.now, self.packets = (self.ident + 1) & 0xFFFF, self.now + 100, self.packets + 1
        src, sport, dst, dport = ends
        more = options(flags & SYN, self.now // 1000 & 0xFFFFFFFF)
        words = (20 + len(more)) // 4
        tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, words << 4, flags, 64240, 0, 0)
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + words * 4 + len(data), self.ident, 0, 64, 6, 0, src, dst)
        frame = ETHERNET + ip + tcp + more + data
        self.out.write(struct.pack("<IIII", self.now // 1_000_000, self.now % 1_000_000, len(frame), len(frame)) + frame)

    def close(self):
        self.out.close()
        return self.packets


def client(number):
    return struct.pack("!I", 0x0A010000 + number % 500), 10000 + number // 500 % 50000


def connection(out, number, exchanges, request=REQUEST, answer=RESPONSE, close=FIN):
    """A handshake, request and answer so many times, and a close by FIN or RST."""
    address, port = client(number)
    there, back = (address, port, SERVER, 80), (SERVER, 80, address, port)
    a, b = number * 7919, number * 104729
    out.send(there, a, 0, SYN)
    out.send(back, b, a + 1, SYN | ACK)
    out.send(there, a + 1, b + 1, ACK)
    a, b = a + 1, b + 1
    for _ in range(exchanges):
        out.send(there, a, b, PSH | ACK, request)
        a += len(request)
        out.send(back, b, a, ACK)
        for at in range(0, len(answer), MSS):
            part = answer[at:at + MSS]
            out.send(back, b, a, ACK | (PSH if at + MSS >= len(answer) else 0), part)
            b += len(part)
            out.send(there, a, b, ACK)
    if close == RST:
        out.send(there, a, b, RST | ACK)
        return
    out.send(there, a, b, FIN | ACK)
    out.send(back, b, a + 1, FIN | ACK)
    out.send(there, a + 1, b + 1, ACK)


def talks(path, connections, exchanges=1, resets=0):
    """Short connections, HTTP-like; every so many of them (0: none) ends by RST."""
    out = Writer(path)
    for number in range(connections):
        connection(out, number, exchanges, close=RST if resets and number % resets == 0 else FIN)
    return out.close()


def flood(path, syns):
    """SYNs that nobody answers, each from an address of its own."""
    out = Writer(path)
    for number in range(syns):
        out.send((struct.pack("!I", 0x0B000000 + number), 40000, SERVER, 80), number * 7919, 0, SYN)
    return out.close()


def bulk(path, segments):
    """One connection of many segments."""
    out = Writer(path)
    connection(out, 1, segments // 4, b"x", b"y" * 20)
    return out.close()


def ping_pong(path, attempts):
    """One pair of addresses and ports: SYN, RST, SYN, RST …"""
    out = Writer(path)
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
