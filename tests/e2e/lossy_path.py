# SPDX-License-Identifier: GPL-2.0-or-later
"""Healthy connections of two real stacks over a path that loses, reorders and doubles: a capture of as many segments as asked for.

    lossy_path.py OUT SEGMENTS [client|server|bare|slow]      needs root and network namespaces

client, server: captured at that end. bare: without window scale, SACK and timestamps. slow: readers that sleep and small buffers, so
that windows shut and are probed.

The path drops 1 % of all segments, holds back 1 % so long that others overtake them, and doubles 0.5 %; acknowledgments, SYNs and FINs
are not spared. Whatever is in the capture, nobody did anything wrong.
"""
import multiprocessing
import random
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample-captures"))
from netlab import Lab, Pair                # noqa: E402
from segments import Capture, is_wanted, pcap_header, pcap_record      # noqa: E402

LOSS, OVERTAKEN, DOUBLED = 0.01, 0.01, 0.005
LATENCY = 0.002
BARE = [(f"ipv4/tcp_{name}", 0) for name in ("window_scaling", "sack", "timestamps")]
HEADERS = 96
WORKERS, BULK = 24, 4
PORTS = range(8001, 8009)


class HeadersOnly(Capture):
    """Writes down at once what passes, cut behind the headers."""

    def __init__(self, path):
        super().__init__()
        self.count = 0
        self.file = open(path, "wb", buffering=1 << 20)      # pylint: disable=consider-using-with - lives as long as this
        self.file.write(pcap_header(HEADERS))

    def add(self, frame, sender):
        if is_wanted(frame):
            self.file.write(pcap_record(time.time_ns(), frame, HEADERS))
            self.count += 1


def bad_path(dice):
    def fate(_sender, frame, _segment):
        roll = dice.random()
        if roll < LOSS:
            return []
        if roll < LOSS + OVERTAKEN:
            return [(LATENCY * 2.5, frame)]
        return [(LATENCY, frame)] * (2 if roll < LOSS + OVERTAKEN + DOUBLED else 1)
    return fate


def receive(sock, count, slow=False):
    while count > 0:
        if slow:
            time.sleep(0.01)
        part = sock.recv(min(count, 1 << (16 if slow else 18)))
        if not part:
            return
        count -= len(part)


def serve(sock):
    """Answers requests "bytes to send, who closes" until the client has no more."""
    with sock:
        while True:
            asked = sock.recv(5, socket.MSG_WAITALL)
            if len(asked) < 5:
                return
            length, manner = struct.unpack("!IB", asked)
            sock.sendall(b"." * length)
            if manner == 1:         # the server closes first and waits for the client's end
                sock.shutdown(socket.SHUT_WR)
                receive(sock, 1 << 40)
                return


def ask(client, dice, length, requests, slow):
    manner = dice.randrange(3)
    for number in range(requests):
        last = number == requests - 1
        client.sendall(struct.pack("!IB", length, 1 if last and manner == 1 else 0))
        if last and manner == 2:    # half closed: the answer comes into a direction that stays open
            client.shutdown(socket.SHUT_WR)
        receive(client, length, slow)
    if manner == 1:
        receive(client, 1)


def listen(pair):
    for port in PORTS:
        listener = pair.server.listen(port, backlog=512)
        listener.settimeout(None)

        def accept(listener=listener):
            while True:
                sock, _peer = listener.accept()
                threading.Thread(target=serve, args=(sock,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()


def converse(pair, number, stop, slow):
    dice = random.Random(number)
    while not stop.is_set():
        with socket_of(pair) as client:
            if slow:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
            client.connect((Pair.SERVER, dice.choice(PORTS)))
            if number < BULK:
                ask(client, dice, 1_000_000 if slow else 8_000_000, 1, slow)
            else:
                ask(client, dice, int(dice.expovariate(1 / 8000)), dice.randint(1, 4), slow)


def socket_of(pair):
    with pair.client.inside():
        made = socket.socket()
    made.settimeout(60)
    return made


def traffic(pair, stop, slow):
    listen(pair)
    workers = [threading.Thread(target=converse, args=(pair, number, stop, slow), daemon=True) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(90)


def make(path, segments, kind="client", seed=1, patience=1800):
    """Returns how many frames were captured; every connection that began has ended by then, unless a retry was due too late."""
    capture = HeadersOnly(path)
    sysctls = [("ipv4/tcp_tw_reuse", 1), ("ipv4/ip_local_port_range", "1024 65000"), *(BARE if kind == "bare" else [])]
    with Lab() as lab:
        pair = Pair(lab, sysctls=sysctls, capture=capture, at="server" if kind in ("server", "slow") else "client", latency=LATENCY)
        pair.cable.fate = bad_path(random.Random(seed))
        fork = multiprocessing.get_context("fork")
        stop = fork.Event()
        child = fork.Process(target=traffic, args=(pair, stop, kind == "slow"), daemon=True)
        child.start()
        deadline = time.monotonic() + patience
        while capture.count < segments and time.monotonic() < deadline and child.is_alive():
            time.sleep(0.1)
        stop.set()
        child.join(120)
        time.sleep(0.5)
    capture.file.close()
    return capture.count


if __name__ == "__main__":
    print(make(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4]))
