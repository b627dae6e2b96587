# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts in network namespaces and the cables between them.

A cable is a thread between two tap devices: it delays, loses, doubles, alters and forges frames as it is told, and
writes down what passes. It knows nothing of what a capture is meant to show; that is scenarios.py.
"""
import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import select
import socket
import struct
import subprocess
import threading
import time

from segments import Capture, parse_tcp, tcp_frame

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x0002 | 0x1000
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_SEND_QUEUE = 19, 20, 21, 2
LATENCY = 0.005          # one way; large enough that a capture shows which end it was made at
PATIENCE = 8             # seconds before a socket call that should have ended is an error
LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result, doing="cannot enter a network namespace"):
    if result != 0:
        raise OSError(f"{doing}: {os.strerror(ctypes.get_errno())}")


def _own_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


class Host:
    """One network namespace. It has no name: only descriptors hold it, so the kernel removes it with everything in
    it however this program ends."""

    def __init__(self, sysctls=()):
        home = _own_namespace()
        _check(LIBC.unshare(CLONE_NEWNET), "cannot make a network namespace")
        self.fd = _own_namespace()
        _check(LIBC.setns(home, CLONE_NEWNET))
        os.close(home)
        self.ports, self._sockets = [], []
        # Without this every device announces itself over IPv6 and the captures fill with multicast reports.
        for name, value in [("ipv6/conf/default/addr_gen_mode", 1), ("ipv6/conf/all/accept_ra", 0), *sysctls]:
            self.sysctl(name, value)
        self.ip("link set lo up")

    @contextlib.contextmanager
    def inside(self):
        home = _own_namespace()
        _check(LIBC.setns(self.fd, CLONE_NEWNET))
        try:
            yield
        finally:
            _check(LIBC.setns(home, CLONE_NEWNET))
            os.close(home)

    def ip(self, *lines):
        with self.inside():
            done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=False,
                                  stderr=subprocess.PIPE, timeout=PATIENCE)
        if done.returncode != 0:
            raise OSError("ip: " + "; ".join([*done.stderr.split("\n")[:1], *lines]))

    def sysctl(self, name, value):
        with self.inside(), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as knob:
            knob.write(str(value))

    def attach(self, mac, *addresses):
        """A new tap device on this host; what is written to its descriptor arrives at the host."""
        name = f"eth{len(self.ports)}"
        with self.inside():
            tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_NO_PI))
        self.ip(f"link set {name} address {mac} up",
                *(f"addr add {address} dev {name}{' nodad' if ':' in address else ''}" for address in addresses))
        self.ports.append(Port(self, name, mac, tap))
        return self.ports[-1]

    # A socket stays in the namespace it was made in, so only its making happens inside.
    def new_socket(self, family=socket.AF_INET):
        with self.inside():
            made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(PATIENCE)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return self._keep(made)

    def _keep(self, made):
        """A socket nobody refers to is closed by Python, and its FIN would be in the capture."""
        self._sockets.append(made)
        return made

    def listen(self, port=80, family=socket.AF_INET, prepare=None, backlog=16):
        listener = self.new_socket(family)
        if prepare:
            prepare(listener)
        listener.bind(("", port))
        listener.listen(backlog)
        return listener

    def accept(self, listener):
        made = self._keep(listener.accept()[0])
        made.settimeout(PATIENCE)
        return made

    def close(self):
        for made in self._sockets:
            made.close()
        for port in self.ports:
            os.close(port.tap)
        os.close(self.fd)


class Port:
    """A tap device and the host it belongs to."""

    def __init__(self, host, name, mac, tap):
        self.host, self.name, self.mac, self.tap = host, name, mac, tap

    def knows(self, address, mac):
        """Addresses are told, not asked for: ARP and neighbour discovery have no place in these captures."""
        self.host.ip(f"neigh replace {address} lladdr {mac} dev {self.name} nud permanent")


class Cable(threading.Thread):
    """Carries frames between two ports, called "client" and "server".

    `fate(sender, frame, segment)` returns [(delay, frame), ...]: what becomes of a frame. `at` is the end the capture
    is made at: frames from that end are written down when they enter the cable, frames to it when they leave."""

    def __init__(self, client, server, capture, *, at="client", latency=LATENCY):
        super().__init__(daemon=True)
        self.port = {"client": client, "server": server}
        self.capture, self.at, self.latency = capture, at, latency
        self.fate = self.plain
        self.nxt = {}            # (address, port, address, port) -> next sequence number of that direction
        self.window = {}         # the same -> the window last offered, as it stands in the header
        self.failure = None
        self._queue, self._count = [], itertools.count()
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe()
        self.start()

    def plain(self, _sender, frame, _segment):
        return [(self.latency, frame)]

    def run(self):
        try:
            taps = {port.tap: name for name, port in self.port.items()}
            while True:
                wait = max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None
                ready = select.select([*taps, self._wake_read], [], [], wait)[0]
                if self._wake_read in ready:
                    return
                for tap in ready:
                    self._enter(taps[tap], os.read(tap, 65536))
                self._leave()
        except Exception as error:      # pylint: disable=broad-except - handed to the main thread by stop()
            self.failure = error

    def _enter(self, sender, frame):
        segment = parse_tcp(frame)
        if segment:
            self.nxt[segment.flow], self.window[segment.flow] = segment.end, segment.window
        if sender == self.at:
            self._write_down(frame, sender)
        other = "server" if sender == "client" else "client"
        for delay, out in self.fate(sender, frame, segment):
            heapq.heappush(self._queue, (time.monotonic() + delay, next(self._count), other, out))

    def _leave(self):
        while self._queue and self._queue[0][0] <= time.monotonic():
            _due, _count, receiver, frame = heapq.heappop(self._queue)
            if receiver == self.at:
                self._write_down(frame, "server" if receiver == "client" else "client")
            os.write(self.port[receiver].tap, frame)

    def _write_down(self, frame, sender):
        with self._lock:
            self.capture.add(frame, sender)

    def forge(self, connection, sender, flags, **numbers):
        """One segment that `sender` never sent, into the named connection (a socket of the client, or a 4-tuple).
        seq and ack count from where that end's and its peer's numbers stand; None leaves the number 0."""
        here, there = (connection.getsockname(), connection.getpeername()) if hasattr(connection, "getsockname") \
            else connection
        flow = (*here[:2], *there[:2])
        flow = flow if sender == "client" else flow[2:] + flow[:2]
        back = flow[2:] + flow[:2]
        for name, base in (("seq", self.nxt.get(flow, 0)), ("ack", self.nxt.get(back, 0))):
            offset = numbers.pop(name, 0)
            numbers[name] = 0 if offset is None else (base + offset) & 0xFFFFFFFF
        # A forger who looks at the traffic does not give himself away by the window.
        numbers.setdefault("window", self.window.get(flow, 64240))
        receiver = "server" if sender == "client" else "client"
        frame = tcp_frame(self.port[sender].mac, self.port[receiver].mac, flow, flags, **numbers)
        segment = parse_tcp(frame)
        if sender == "client" and flow not in self.nxt:
            self.nxt[flow] = segment.end     # a forged client has no other memory than this
        self._write_down(frame, sender)
        os.write(self.port[receiver].tap, frame)

    def stop(self):
        os.write(self._wake_write, b"x")
        self.join(PATIENCE)
        os.close(self._wake_read)
        os.close(self._wake_write)
        if self.failure:
            raise self.failure


class Lab:
    """All hosts and cables of one capture; leaving it takes them down."""

    def __init__(self):
        self.capture, self.cables, self.hosts = Capture(), [], []

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.capture.running = False
        try:
            for cable in self.cables:
                cable.stop()
        finally:
            for host in self.hosts:
                host.close()

    def host(self, **options):
        self.hosts.append(Host(**options))
        return self.hosts[-1]

    def cable(self, client, server, **options):
        self.cables.append(Cable(client, server, options.pop("capture", self.capture), **options))
        return self.cables[-1]


class Pair:
    """The usual lab: a client 192.0.2.1 and a server 192.0.2.2 on one cable, as 2001:db8::1 and ::2 too.
    192.0.2.66 and 192.0.2.99 are addresses that nobody has."""

    CLIENT, SERVER, NOBODY, ABSENT = "192.0.2.1", "192.0.2.2", "192.0.2.66", "192.0.2.99"

    def __init__(self, lab, sysctls=(), **options):
        macs = ["02:00:00:00:00:0c", "02:00:00:00:00:05"]
        retries = [("ipv4/tcp_syn_retries", 2), ("ipv4/tcp_synack_retries", 1)]
        self.client, self.server = (lab.host(sysctls=[*retries, *sysctls]) for _mac in macs)
        self.ports = [self.client.attach(macs[0], "192.0.2.1/24", "2001:db8::1/64"),
                      self.server.attach(macs[1], "192.0.2.2/24", "2001:db8::2/64")]
        for port, peer, mac in ((self.ports[0], 2, macs[1]), (self.ports[1], 1, macs[0])):
            port.knows(f"192.0.2.{peer}", mac)
            port.knows(f"2001:db8::{peer}", mac)
            for nobody in (66, 99):
                port.knows(f"192.0.2.{nobody}", f"02:00:00:00:00:{nobody}")
        self.cable = lab.cable(*self.ports, **options)

    def connect(self, source, port=80, to=SERVER, host=None, prepare=None):
        """From the client's `source` port; `prepare` sees the socket before it connects."""
        made = (host or self.client).new_socket(socket.AF_INET6 if ":" in to else socket.AF_INET)
        made.bind(("", source))
        if prepare:
            prepare(made)
        with contextlib.suppress(BlockingIOError):
            made.connect((to, port))
        return made

    def open(self, source, port=80, to=SERVER, **options):
        """A connection to a listener of its own: client socket, server socket."""
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        listener = self.server.listen(port, family, options.pop("listener", None))
        near = self.connect(source, port, to, **options)
        far = self.server.accept(listener)
        listener.close()
        time.sleep(4 * LATENCY)          # let the last ACK arrive before anything else happens
        return near, far


# What programs do with connections. Each step is given time to arrive, so that a capture shows them one by one.

def settle(seconds=6 * LATENCY):
    time.sleep(seconds)


def say(near, far, text):
    near.sendall(text)
    got = b""
    while len(got) < len(text):
        part = far.recv(65536)
        if not part:
            raise ConnectionError("the connection ended before all data arrived")
        got += part
    settle()


def converse(client, server, path=b"/"):
    say(client, server, b"GET " + path + b" HTTP/1.1\r\nHost: example.org\r\n\r\n")
    say(server, client, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")


def close(first, second, pause=6 * LATENCY):
    """`first` closes, `second` notices and closes too. After 40 ms the ACK of the first FIN does not wait for the
    second one any more."""
    first.shutdown(socket.SHUT_WR)
    if second.recv(1) != b"":
        raise ConnectionError("data where the end of the stream was due")
    settle(pause)
    second.close()
    settle()
    first.close()


def abort(near):
    """An RST instead of a FIN."""
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    near.close()
    settle()


def vanish(near):
    """The socket is gone without a word, as after a power failure."""
    near.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    near.close()


def start_at(sequence):
    """For `prepare`: the connection's initial sequence number."""
    def choose(near):
        for option, value in ((TCP_REPAIR, 1), (TCP_REPAIR_QUEUE, TCP_SEND_QUEUE), (TCP_QUEUE_SEQ, sequence),
                              (TCP_REPAIR, 0)):
            near.setsockopt(socket.IPPROTO_TCP, option, struct.pack("I", value))
    return choose

