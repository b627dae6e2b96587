# SPDX-License-Identifier: GPL-2.0-or-later
"""What each capture shows: one function a capture, the first line of its text says what happens.

`shows` is the proof that it did happen: display filters and how many frames each must match, in fields of Wireshark
itself, so that the captures do not depend on what they are there to test.
"""
import random
import socket
import struct
import time

from netlab import Lab, LATENCY, PATIENCE, Pair, abort, close, converse, say, settle, start_at, vanish
from segments import edit_tcp, in_gre, in_vlan

SCENARIOS = {}               # file name -> (function, shows)
TCP_FASTOPEN, MSG_FASTOPEN = 23, 0x20000000
SYN_ONLY, SYN_ACK, ONLY_ACK = "tcp.flags == 0x002", "tcp.flags == 0x012", "tcp.flags == 0x010"
RESET, FINS = "tcp.flags.reset == 1", "tcp.flags.fin == 1"


def capture(name, **shows):
    """shows: label=(filter, count); a count below 0 means "at least"."""
    def register(function):
        SCENARIOS[name] = (function, list(shows.values()))
        return function
    return register


def first(condition, change):
    """A fate that changes the first frame that meets the condition and carries the rest as it is."""
    left = [True]

    def fate(sender, frame, segment):
        if left[0] and segment and condition(sender, segment):
            left[0] = False
            return change(frame)
        return [(LATENCY, frame)]
    return fate


# --- healthy connections -------------------------------------------------------------------------------------------

@capture("client-closes-first.pcap", syn=(SYN_ONLY, 1), fin=(FINS, 2), rst=(RESET, 0))
def client_closes_first(lab):
    """Three-way handshake, a request, an answer, four-way close begun by the client."""
    pair = Pair(lab)
    client, server = pair.open(40001)
    converse(client, server)
    close(client, server, pause=0.08)


@capture("server-closes-first.pcap", fin=(FINS, 2), first=("tcp.flags.fin == 1 && tcp.srcport == 80", 1))
def server_closes_first(lab):
    """The same, but the server closes, as after an HTTP/1.0 answer."""
    pair = Pair(lab)
    client, server = pair.open(40002)
    converse(client, server)
    close(server, client, pause=0.08)


@capture("ipv6.pcap", syn=("ipv6 && tcp.flags == 0x002", 1), fin=(FINS, 2))
def ipv6(lab):
    """A connection over IPv6."""
    pair = Pair(lab)
    client, server = pair.open(40003, to="2001:db8::2")
    converse(client, server)
    close(client, server)


@capture("half-close.pcap", fin=(FINS, 2), after=("tcp.srcport == 80 && tcp.len > 0", 3))
def half_close(lab):
    """The client closes its direction after the request; the server answers three times and closes."""
    pair = Pair(lab)
    client, server = pair.open(40004)
    say(client, server, b"sort these\n")
    client.shutdown(socket.SHUT_WR)
    settle()
    for line in (b"first\n", b"second\n", b"third\n"):
        say(server, client, line)
    server.close()
    settle()


@capture("simultaneous-open.pcap", syn=(SYN_ONLY, 2), synack=(SYN_ACK, 2))
def simultaneous_open(lab):
    """Both ends connect to each other at once; their SYNs cross (RFC 9293 figure 7)."""
    pair = Pair(lab, latency=0.05)
    near = pair.connect(5000, 5001, prepare=lambda made: made.setblocking(False))
    far = pair.connect(5001, 5000, to=Pair.CLIENT, host=pair.server, prepare=lambda made: made.setblocking(False))
    time.sleep(0.3)
    for end in (near, far):
        end.settimeout(8)
    say(near, far, b"hello\n")
    time.sleep(0.1)
    near.close()
    time.sleep(0.15)
    far.close()
    time.sleep(0.15)


@capture("simultaneous-close.pcap", fin=(FINS, 2), rst=(RESET, 0))
def simultaneous_close(lab):
    """Both ends close at once; their FINs cross (RFC 9293 figure 13)."""
    pair = Pair(lab, latency=0.05)
    client, server = pair.open(40005)
    time.sleep(0.15)
    say(client, server, b"bye\n")
    time.sleep(0.15)
    client.close()
    server.close()
    time.sleep(0.3)


@capture("sequence-wrap.pcap", before=("tcp.seq_raw > 4294967000", -1), after=("tcp.seq_raw < 1000 && tcp.len > 0", -1))
def sequence_wrap(lab):
    """The client's sequence numbers pass 2^32 in the middle of its data."""
    pair = Pair(lab)
    client, server = pair.open(40006, prepare=start_at(0xFFFFFFFF - 100))
    for number in range(6):
        say(client, server, b"%d: forty bytes, give or take a few..\n" % number)
    close(client, server)


@capture("keep-alive.pcap", probe=("tcp.analysis.keep_alive", 2), answer=("tcp.analysis.keep_alive_ack", 2))
def keep_alive(lab):
    """An idle connection, probed twice."""
    pair = Pair(lab)
    client, server = pair.open(40007)
    say(client, server, b"hello\n")
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
        client.setsockopt(socket.IPPROTO_TCP, option, value)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    time.sleep(2.4)
    close(client, server)


# Linux probes a closed window with an old sequence number and no data, which Wireshark calls a keep-alive.
@capture("zero-window.pcap", zero=("tcp.analysis.zero_window", -1), probe=("tcp.analysis.keep_alive", -1))
def zero_window(lab):
    """The server stops reading: its window closes, is probed, and opens again."""
    pair = Pair(lab)
    client, server = pair.open(40008, listener=lambda made: made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096))
    client.sendall(b"x" * 8000)
    time.sleep(1.2)
    got = 0
    while got < 8000:
        got += len(server.recv(65536))
    settle()
    close(client, server)


@capture("loss-and-reorder.pcap", data=("tcp.len > 0", -60), again=("tcp.analysis.retransmission || "
         "tcp.analysis.fast_retransmission || tcp.analysis.spurious_retransmission", -1),
         order=("tcp.analysis.out_of_order", -1))
def loss_and_reorder(lab):
    """90 kB over a path that loses, reorders and doubles segments; headers only."""
    lab.capture.snaplen = 96
    pair = Pair(lab)
    dice = random.Random(7)

    def fate(_sender, frame, segment):
        roll = dice.random()
        if not segment or not segment.length:
            return [(LATENCY, frame)]
        if roll < 0.05:
            return []
        if roll < 0.15:
            return [(LATENCY * 2.5, frame)]
        return [(LATENCY, frame)] * (2 if roll < 0.18 else 1)
    client, server = pair.open(40009)
    say(client, server, b"GET /bulk\n")
    pair.cable.fate = fate
    say(server, client, b"0123456789" * 9000)
    pair.cable.fate = pair.cable.plain
    close(server, client)


@capture("fast-open-accepted.pcap", syn=("tcp.flags == 0x002 && tcp.len > 0", 1), cookie=("tcp.options.tfo", -2))
def fast_open_accepted(lab):
    """A client fetches a Fast Open cookie, then sends its request in the SYN; the SYN-ACK acknowledges it."""
    pair = Pair(lab, sysctls=[("ipv4/tcp_fastopen", 3)])
    for source in (40010, 40011):
        _fast_open_request(pair, source)


@capture("fast-open-ignored.pcap", syn=("tcp.flags == 0x002 && tcp.len > 0", 1),
         again=("tcp.dstport == 80 && tcp.flags.syn == 0 && tcp.len > 0 && tcp.stream == 1", 1))
def fast_open_ignored(lab):
    """The server's Fast Open key has changed: it takes the SYN but not the data in it, which is sent again."""
    pair = Pair(lab, sysctls=[("ipv4/tcp_fastopen", 3)])
    for source, key in ((40012, "1-2-3-4"), (40013, "5-6-7-8")):
        pair.server.sysctl("ipv4/tcp_fastopen_key", key)
        _fast_open_request(pair, source)


def _fast_open(pair, source):
    """Client and server socket; the request is sent but not yet read."""
    listener = pair.server.listen(prepare=lambda made: made.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 5))
    client = pair.client.new_socket()
    client.bind(("", source))
    client.settimeout(None)          # with a time limit the socket does not block, and nothing is sent without a cookie
    client.sendto(b"GET / HTTP/1.0\r\n\r\n", MSG_FASTOPEN, (Pair.SERVER, 80))
    client.settimeout(PATIENCE)
    server = pair.server.accept(listener)
    listener.close()
    return client, server


def _fast_open_request(pair, source):
    client, server = _fast_open(pair, source)
    server.recv(100)
    settle()
    say(server, client, b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
    close(client, server)
    settle()


@capture("port-reuse-time-wait.pcap", syn=(SYN_ONLY, 2), fin=(FINS, 4), rst=(RESET, 0))
def port_reuse_time_wait(lab):
    """The same client port again while the server is still in TIME-WAIT: a new connection, and a healthy one."""
    pair = Pair(lab)
    for _turn in range(2):
        client, server = pair.open(40014)
        converse(client, server)
        close(server, client)
        time.sleep(0.1)


# --- failed handshakes ---------------------------------------------------------------------------------------------

@capture("refused.pcap", syn=(SYN_ONLY, 1), rst=("tcp.flags == 0x014 && tcp.ack == 1", 1))
def refused(lab):
    """Nobody listens: the SYN is answered by an RST."""
    pair = Pair(lab)
    try:
        pair.connect(40101, 81)
    except ConnectionRefusedError:
        settle()


@capture("syn-unanswered.pcap", syn=(SYN_ONLY, 3), other=("!(tcp.flags == 0x002)", 0))
def syn_unanswered(lab):
    """A SYN to an address nobody has, and two retries."""
    pair = Pair(lab)
    pair.connect(40102, to=Pair.ABSENT, prepare=lambda made: made.setblocking(False))
    time.sleep(2.3)


@capture("synack-unacknowledged.pcap", syn=(SYN_ONLY, 1), synack=(SYN_ACK, 3), other=(ONLY_ACK, 0))
def synack_unacknowledged(lab):
    """A SYN from an address nobody has: the server answers it, and again, and again."""
    pair = Pair(lab, sysctls=[("ipv4/tcp_synack_retries", 2)], at="server")
    pair.server.listen()
    pair.cable.forge((("192.0.2.66", 40103), (Pair.SERVER, 80)), "client", "S", seq=1000)
    time.sleep(3.4)


@capture("syn-flood.pcap", syn=(SYN_ONLY, 24), synack=(SYN_ACK, -24))
def syn_flood(lab):
    """24 SYNs with forged ports and nobody behind them."""
    pair = Pair(lab, at="server")
    pair.server.listen(backlog=64)
    dice = random.Random(1)
    for source in range(41000, 41024):
        pair.cable.forge((("192.0.2.66", source), (Pair.SERVER, 80)), "client", "S", seq=dice.getrandbits(32))
        time.sleep(0.01)
    time.sleep(1.5)


@capture("synack-wrong-ack.pcap", good=("tcp.flags == 0x012 && tcp.ack == 1", -1),
         bad=("tcp.flags == 0x012 && tcp.ack == 1001", 1), rst=(RESET, 1), fin=(FINS, 2))
def synack_wrong_ack(lab):
    """A device on the path spoils the first SYN-ACK (step 2): the client resets it, tries again and succeeds."""
    pair = Pair(lab)
    pair.cable.fate = first(lambda sender, seg: sender == "server" and seg.flags == 0x12,
                            lambda frame: [(LATENCY, edit_tcp(frame, ack=1000))])
    client, server = pair.open(40104)
    converse(client, server)
    close(client, server)


@capture("synack-wrong-ack-forever.pcap", bad=("tcp.flags == 0x012 && tcp.ack == 1001", -2), rst=(RESET, -2),
         fin=(FINS, 0))
def synack_wrong_ack_forever(lab):
    """The same device spoils every SYN-ACK: the client gives up."""
    pair = Pair(lab)
    pair.server.listen()

    def fate(sender, frame, segment):
        bad = segment and sender == "server" and segment.flags == 0x12
        return [(LATENCY, edit_tcp(frame, ack=1000) if bad else frame)]
    pair.cable.fate = fate
    pair.connect(40105, prepare=lambda made: made.setblocking(False))
    time.sleep(3)


@capture("final-ack-wrong.pcap", bad=("tcp.flags == 0x010 && tcp.ack == 1001", 1), rst=("tcp.flags == 0x004", 1),
         fin=(FINS, 2))
def final_ack_wrong(lab):
    """The last ACK (step 3) is spoiled on its way; the server resets it, the client's challenge ACK repairs it."""
    pair = Pair(lab, at="server")
    pair.cable.fate = first(lambda sender, seg: sender == "client" and seg.flags == 0x10,
                            lambda frame: [(LATENCY, edit_tcp(frame, ack=1000))])
    client, server = pair.open(40106)
    converse(client, server)
    close(client, server)


@capture("final-ack-wrong-forever.pcap", synack=(SYN_ACK, -2), bad=("tcp.flags == 0x010 && tcp.ack == 1001", 1),
         rst=("tcp.flags == 0x004", 1))
def final_ack_wrong_forever(lab):
    """A client that cannot see the SYN-ACK guesses its number, wrongly (step 3): the server resets the guess."""
    pair = Pair(lab, at="server")
    pair.server.listen()
    guesser = (("192.0.2.66", 40107), (Pair.SERVER, 80))
    pair.cable.forge(guesser, "client", "S", seq=2000)
    settle()
    pair.cable.forge(guesser, "client", "A", ack=1000)
    time.sleep(1.3)


@capture("client-resets-synack.pcap", syn=(SYN_ONLY, 1), synack=(SYN_ACK, 1), rst=("tcp.flags == 0x004", 1))
def client_resets_synack(lab):
    """The client gives up before the SYN-ACK arrives and resets it."""
    pair = Pair(lab, latency=0.05)
    pair.server.listen()
    client = pair.connect(40108, prepare=lambda made: made.setblocking(False))
    client.close()
    time.sleep(0.25)


@capture("server-resets-handshake.pcap", cookie=("tcp.stream == 0 && tcp.flags == 0x002 && tcp.len > 0", 1),
         rst=("tcp.flags.reset == 1 && tcp.srcport == 80 && frame.number == 3", 1))
def server_resets_handshake(lab):
    """A request in the SYN lets the server close, in anger, before the last ACK of the handshake arrives."""
    pair = Pair(lab, sysctls=[("ipv4/tcp_fastopen", 3)], at="server")
    lab.capture.running = False      # the client fetches its cookie
    _fast_open_request(pair, 40115)
    lab.capture.running = True
    _client, server = _fast_open(pair, 40116)
    abort(server)


@capture("server-resets-last-ack.pcap", synack=(SYN_ACK, 1), rst=("tcp.flags.reset == 1 && tcp.srcport == 80", 1))
def server_resets_last_ack(lab):
    """The server stops listening between its SYN-ACK and the last ACK, and resets it."""
    pair = Pair(lab, latency=0.05)
    listener = pair.server.listen()
    pair.connect(40109, prepare=lambda made: made.setblocking(False))
    time.sleep(0.075)                # the SYN-ACK is on its way now, the ACK is not yet
    listener.close()
    time.sleep(0.3)


@capture("syn-scan.pcap", syn=(SYN_ONLY, 6), synack=(SYN_ACK, 2), rst=("tcp.flags == 0x004", 2),
         refused=("tcp.flags == 0x014", 4))
def syn_scan(lab):
    """Six ports tried with SYNs no socket stands behind: two are open, and their SYN-ACKs are reset."""
    pair = Pair(lab, at="server")
    for port in (22, 80):
        pair.server.listen(port)
    for port in (21, 22, 23, 25, 80, 443):
        pair.cable.forge(((Pair.CLIENT, 41200), (Pair.SERVER, port)), "client", "S", seq=7000)
        time.sleep(0.03)


@capture("icmp-unreachable.pcap", v4=("icmp.type == 3", 2), v6=("icmpv6.type == 1", 1), syn=("tcp.flags.syn == 1", -3))
def icmp_unreachable(lab):
    """A router answers three SYNs with ICMP errors, which quote them: no host, forbidden, no route (IPv6)."""
    pair = Pair(lab, sysctls=[("ipv4/ip_forward", 1), ("ipv6/conf/all/forwarding", 1)])
    pair.client.ip("route add 198.51.100.0/24 via 192.0.2.2", "route add 2001:db8:9::/64 via 2001:db8::2")
    pair.server.ip("route add unreachable 198.51.100.0/25", "route add prohibit 198.51.100.128/25",
                   "route add unreachable 2001:db8:9::/64")
    for source, target in ((40110, "198.51.100.1"), (40111, "198.51.100.200"), (40112, "2001:db8:9::1")):
        pair.connect(source, to=target, prepare=lambda made: made.setblocking(False))
        time.sleep(0.1)


@capture("half-open-peer.pcap", syn=(SYN_ONLY, 3), rst=("tcp.flags == 0x004", 1), synack=(SYN_ACK, 2))
def half_open_peer(lab):
    """The client restarts and connects from the same port; the server still knows the old connection and says so
    with a challenge ACK, the client resets that, and its next SYN succeeds (RFC 9293 figure 9)."""
    pair = Pair(lab)
    client, server = pair.open(40113)
    converse(client, server)
    vanish(client)
    time.sleep(0.1)
    client, server = pair.open(40113)
    converse(client, server)
    close(client, server)


@capture("challenged-syn.pcap", syn=(SYN_ONLY, -3), ack=(ONLY_ACK, -2),
         other=("tcp.flags.reset == 1 || tcp.flags == 0x012", 0))
def challenged_syn(lab):
    """The same, but a firewall swallows the client's RST, and the capture begins after the restart: each SYN meets a
    plain ACK of the old connection, the handshake fails."""
    lab.capture.running = False
    pair = Pair(lab, at="server")
    client, server = pair.open(40114)
    say(client, server, b"hello\n")
    vanish(client)
    time.sleep(0.1)
    lab.capture.running = True
    pair.cable.fate = lambda _sender, frame, segment: [] if segment and segment.flags & 4 else [(LATENCY, frame)]
    pair.connect(40114, prepare=lambda made: made.setblocking(False))
    time.sleep(2.5)


# --- connections that end or are disturbed in other ways -----------------------------------------------------------

@capture("health-check.pcap", rst=(RESET, 1), data=("tcp.len > 0", 0), syn=(SYN_ONLY, 1))
def health_check(lab):
    """SYN, SYN-ACK, ACK, RST, as a load balancer looks whether a port is open."""
    pair = Pair(lab)
    client, _server = pair.open(40201)
    abort(client)


@capture("server-aborts.pcap", rst=("tcp.flags.reset == 1 && tcp.srcport == 80", 1), fin=(FINS, 0))
def server_aborts(lab):
    """The server closes without having read what it was sent: an RST and no FIN."""
    pair = Pair(lab)
    client, server = pair.open(40202)
    client.sendall(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
    settle()
    server.close()
    settle()


@capture("fin-then-rst.pcap", fin=(FINS, -1), rst=("tcp.flags.reset == 1 && tcp.dstport == 80", -1))
def fin_then_rst(lab):
    """The client closes while the answer is still to come; the answer is met by an RST."""
    pair = Pair(lab)
    client, server = pair.open(40203)
    say(client, server, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
    client.close()
    settle()
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
    settle()


@capture("rst-challenged.pcap", rst=("tcp.flags == 0x004", 3), fin=(FINS, 2))
def rst_challenged(lab):
    """Three forged RSTs in the server's window but not at the number it expects: each is challenged, nothing ends."""
    pair = Pair(lab, at="server")
    client, server = pair.open(40204)
    converse(client, server)
    for offset in (1, 1000, 30000):
        pair.cable.forge(client, "client", "R", seq=offset)
        time.sleep(0.6)              # challenge ACKs are limited to one in half a second
    converse(client, server, b"/again")
    close(client, server)


@capture("rst-out-of-window.pcap", rst=("tcp.flags == 0x004", 2), fin=(FINS, 2))
def rst_out_of_window(lab):
    """Two forged RSTs, one before and one far beyond the server's window: ignored without an answer."""
    pair = Pair(lab, at="server")
    client, server = pair.open(40205)
    converse(client, server)
    for offset in (-5000, 50_000_000):
        pair.cable.forge(client, "client", "R", seq=offset)
        settle()
    converse(client, server, b"/again")
    close(client, server)


@capture("rst-forged-exact.pcap", forged=("tcp.flags == 0x004 && ip.ttl == 41", 1), rst=(RESET, -2))
def rst_forged_exact(lab):
    """A forged RST at the exact number closes the client; the server, which sent none, goes on and is reset."""
    pair = Pair(lab)
    client, server = pair.open(40206)
    converse(client, server)
    pair.cable.forge(client, "server", "R", ttl=41)
    settle()
    server.sendall(b"still here\n")
    settle()


@capture("syn-forged-challenged.pcap", syn=(SYN_ONLY, 2), fin=(FINS, 2), rst=(RESET, 0))
def syn_forged_challenged(lab):
    """A forged SYN in the middle of a connection: challenged, nothing ends, though Wireshark starts a new stream."""
    pair = Pair(lab, at="server")
    client, server = pair.open(40207)
    converse(client, server)
    pair.cable.forge(client, "client", "S", seq=500)
    time.sleep(0.1)
    converse(client, server, b"/again")
    close(client, server)


@capture("no-ack-flag.pcap", data=("tcp.flags == 0x008 && tcp.len > 0", 1), fin=("tcp.flags == 0x001", 1),
         closed=(FINS, 3))
def no_ack_flag(lab):
    """Forged data and a forged FIN without the ACK flag: dropped in silence."""
    pair = Pair(lab, at="server")
    client, server = pair.open(40208)
    converse(client, server)
    pair.cable.forge(client, "client", "P", payload=b"never read\n")
    settle()
    pair.cable.forge(client, "client", "F")
    settle()
    converse(client, server, b"/again")
    close(client, server)


@capture("psh-without-data.pcap", psh=("tcp.flags == 0x018 && tcp.len == 0", 1), fin=(FINS, 2))
def psh_without_data(lab):
    """A forged ACK with PSH set and nothing to push: accepted, and of no effect."""
    pair = Pair(lab, at="server")
    client, server = pair.open(40209)
    say(client, server, b"hello\n")
    pair.cable.forge(client, "client", "PA")
    settle()
    close(client, server)


@capture("odd-flag-probes.pcap", null=("tcp.flags == 0x000", 2), xmas=("tcp.flags == 0x029", 2),
         fin=("tcp.flags == 0x001", 2), synfin=("tcp.flags == 0x003", 2), ack=(ONLY_ACK, 2))
def odd_flag_probes(lab):
    """NULL, FIN, Xmas, SYN+FIN and ACK probes, each to an open and a closed port."""
    pair = Pair(lab, at="server")
    pair.server.listen()
    source = 41300
    for flags in ("", "F", "FPU", "SF", "A"):
        for port in (80, 81):
            source += 1
            pair.cable.forge(((Pair.CLIENT, source), (Pair.SERVER, port)), "client", flags, seq=3000, ack=77)
            settle()


@capture("server-power-failure.pcap", syn=(SYN_ONLY, 1), rst=("tcp.flags == 0x004 && tcp.srcport == 80", 1))
def server_power_failure(lab):
    """The server restarts; the client's next request meets nothing and is reset."""
    pair = Pair(lab)
    client, server = pair.open(40210)
    converse(client, server)
    vanish(server)
    client.sendall(b"GET /again HTTP/1.1\r\nHost: example.org\r\n\r\n")
    settle()


# --- what a capture may miss, double or cut --------------------------------------------------------------------------

@capture("midstream.pcap", syn=("tcp.flags.syn == 1", 0), fin=(FINS, 2))
def midstream(lab):
    """The capture begins after the handshake."""
    lab.capture.running = False
    pair = Pair(lab)
    client, server = pair.open(40301)
    converse(client, server)
    lab.capture.running = True
    converse(client, server, b"/again")
    close(client, server)


@capture("one-sided.pcap", back=("tcp.srcport == 80", 0), forth=("tcp.dstport == 80", -5))
def one_sided(lab):
    """Only the client's direction was captured."""
    lab.capture.only = "client"
    pair = Pair(lab)
    client, server = pair.open(40302)
    converse(client, server)
    close(client, server)


@capture("span-duplicates.pcap", syn=(SYN_ONLY, 2), synack=(SYN_ACK, 2), fin=(FINS, 4))
def span_duplicates(lab):
    """A mirror port that copies both sides of a switch: every frame twice."""
    lab.capture.copies = 2
    pair = Pair(lab)
    client, server = pair.open(40303)
    converse(client, server)
    close(client, server)


@capture("router-two-interfaces.pcapng", syn=(SYN_ONLY, 2), less=("ip.ttl == 63", -5),
         two=("frame.interface_id == 1", -5))
def router_two_interfaces(lab):
    """A router captures on both its interfaces: every frame twice, the second time with a smaller TTL."""
    client, router, server = lab.host(), lab.host(sysctls=[("ipv4/ip_forward", 1)]), lab.host()
    ends = [client.attach("02:00:00:00:00:0c", "192.0.2.1/25"), router.attach("02:00:00:00:01:00", "192.0.2.126/25"),
            router.attach("02:00:00:00:01:01", "192.0.2.254/25"), server.attach("02:00:00:00:00:05", "192.0.2.129/25")]
    for one, other, address, back in ((ends[0], ends[1], "192.0.2.126", "192.0.2.1"),
                                      (ends[3], ends[2], "192.0.2.254", "192.0.2.129")):
        one.knows(address, other.mac)
        other.knows(back, one.mac)
        one.host.ip(f"route add default via {address}")
    lab.cable(ends[0], ends[1], at="server")
    lab.cable(ends[2], ends[3], at="client", capture=lab.capture.view(interface=1))
    listener = server.listen()
    near = client.new_socket()
    near.bind(("", 40304))
    near.connect(("192.0.2.129", 80))
    far = server.accept(listener)
    settle(0.1)
    converse(near, far)
    settle(0.1)
    close(near, far)
    settle(0.1)


@capture("cut-headers.pcap", short=("frame.cap_len == 48 && frame.len > 48", -8))
def cut_headers(lab):
    """48 bytes of each frame were kept: ports, numbers and flags of TCP, and no more."""
    lab.capture.snaplen = 48
    pair = Pair(lab)
    client, server = pair.open(40305)
    converse(client, server)
    close(client, server)


@capture("vlan-same-ports.pcap", one=("vlan.id == 10 && tcp.flags == 0x002", 1),
         two=("vlan.id == 20 && tcp.flags == 0x002", 1))
def vlan_same_ports(lab):
    """Two connections with the same addresses and ports at the same time, on two VLANs of one trunk."""
    pairs = [Pair(lab, capture=lab.capture.view(wrap=in_vlan(number))) for number in (10, 20)]
    ends = [pair.open(40306) for pair in pairs]
    for client, server in ends:
        converse(client, server)
    for client, server in reversed(ends):
        close(client, server)


@capture("gre-tunnel.pcap", gre=("gre && tcp.flags == 0x002", 1), fin=("gre && tcp.flags.fin == 1", 2))
def gre_tunnel(lab):
    """A connection in a GRE tunnel."""
    lab.capture.wrap = in_gre
    pair = Pair(lab)
    client, server = pair.open(40307)
    converse(client, server)
    close(client, server)


@capture("vxlan-and-underlay.pcap", inner=("vxlan && !icmp && tcp.flags == 0x002", 2),
         outer=("!vxlan && tcp.flags == 0x002", 1),
         quote=("vxlan && icmp && tcp", 1))
def vxlan_and_underlay(lab):
    """The same addresses and ports inside a VXLAN tunnel and beside it, and an ICMP error with its quote inside it."""
    pair = Pair(lab)
    inner = [("02:00:00:00:02:0c", "198.51.100.1"), ("02:00:00:00:02:05", "198.51.100.2")]
    for host, here, there, (mine, theirs) in ((pair.client, "192.0.2.1", "192.0.2.2", inner),
                                              (pair.server, "192.0.2.2", "192.0.2.1", inner[::-1])):
        host.ip(f"link add vxlan0 address {mine[0]} type vxlan id 42 dev eth0 dstport 4789 local {here} remote {there}",
                "link set vxlan0 mtu 1400 up", f"addr add {mine[1]}/24 dev vxlan0",
                f"neigh replace {theirs[1]} lladdr {theirs[0]} dev vxlan0 nud permanent")
    pair.server.ip("addr add 198.51.100.2/32 dev lo", "route add prohibit 203.0.113.0/24")
    pair.server.sysctl("ipv4/ip_forward", 1)
    pair.client.ip("route add 203.0.113.0/24 via 198.51.100.2")
    for target in (Pair.SERVER, "198.51.100.2"):
        client, server = pair.open(40308, to=target)
        converse(client, server)
        close(client, server)
    pair.connect(40309, to="203.0.113.7", prepare=lambda made: made.setblocking(False))
    settle()


# --- for a first look ------------------------------------------------------------------------------------------------

@capture("showcase.pcapng", frames=("tcp", -30), limit=("frame.number > 60", 0), lost=("ip.dst == 192.0.2.99", 3),
         refused=("tcp.flags == 0x014", 1), guess=("ip.src == 192.0.2.66 && tcp.ack == 1001", 1),
         forged=("tcp.flags == 0x004 && tcp.srcport == 40404", 1), fin=(FINS, 4))
def showcase(lab):
    """Five connections: a healthy one, a refused one, a wrong last ACK, a challenged RST, an unanswered SYN."""
    lab.capture.comment = ("Port 40401: healthy. 40402: refused. 40403: the last ACK of the handshake carries a wrong "
                           "number. 40404: a forged RST is challenged and the connection lives on. 40405: no answer.")
    pair = Pair(lab, at="server")
    client, server = pair.open(40401)
    converse(client, server)
    close(client, server)
    pair.connect(40405, to=Pair.ABSENT, prepare=lambda made: made.setblocking(False))
    try:
        pair.connect(40402, 81)
    except ConnectionRefusedError:
        settle()
    listener = pair.server.listen()
    guesser = (("192.0.2.66", 40403), (Pair.SERVER, 80))
    pair.cable.forge(guesser, "client", "S", seq=2000)
    settle()
    pair.cable.forge(guesser, "client", "A", ack=1000)
    settle()
    listener.close()
    client, server = pair.open(40404)
    converse(client, server)
    pair.cable.forge(client, "client", "R", seq=1000)
    settle()
    converse(client, server, b"/again")
    close(client, server)
    time.sleep(2)


# --- many connections in one file, for the recipes -------------------------------------------------------------------

@capture("many-kinds.pcapng", frames=("tcp", -150), limit=("frame.number > 300", 0), lost=("tcp.srcport == 50004", -3),
         refused=("tcp.flags == 0x014 && tcp.srcport == 81", 1), icmp=("icmp.type == 3", 1),
         retried=("tcp.srcport == 50007 && tcp.flags == 0x002", 2), spoiled=("tcp.flags == 0x012 && tcp.ack == 1001", 1),
         leftover=("tcp.flags.fin == 1 && tcp.port == 50013", 1), open=("tcp.flags.fin == 1 && tcp.port == 50001", 0))
def many_kinds(lab):
    """Twenty-two client ports, each of another fate: what one finds in a day's capture, in a few seconds."""
    lab.capture.comment = "Client ports 50001 to 50022; what becomes of each is in the README beside this file."
    pair = Pair(lab, sysctls=[("ipv4/ip_forward", 1)])
    pair.client.ip("route add 198.51.100.0/24 via 192.0.2.2")
    pair.server.ip("route add unreachable 198.51.100.0/24")
    pair.cable.fate = _fates(pair)
    nonblocking = {"prepare": lambda made: made.setblocking(False)}
    stays = pair.open(50001)
    converse(*stays)
    pair.connect(50004, to=Pair.ABSENT, **nonblocking)
    pair.connect(50006, to="198.51.100.1", **nonblocking)
    pair.server.listen(8080)
    pair.cable.forge(((Pair.NOBODY, 50020), (Pair.SERVER, 8080)), "client", "S", seq=1000)
    _closes(pair)
    _slow_setups(pair)
    _aborts(pair)
    _intruders(pair)
    converse(*stays)


def _fates(pair):
    """What the path does to the first segment of a port, and of which kind."""
    lost, late, spoiled = (lambda _frame: []), (lambda frame: [(0.3, frame)]), \
        (lambda frame: [(LATENCY, edit_tcp(frame, ack=1000))])
    due = {("client", 50007, 0x02): lost, ("server", 50008, 0x12): late, ("server", 50009, 0x12): lost,
           ("server", 50018, 0x12): spoiled}

    def fate(sender, frame, segment):
        key = segment and (sender, segment.flow[1 if sender == "client" else 3], segment.flags)
        return due.pop(key)(frame) if key in due else pair.cable.plain(sender, frame, segment)
    return fate


def _closes(pair):
    """50002 closed by the client, 50003 by the server; 50010 and 50011 without a byte of data; 50013 half closed; 50016
    reset after the close; 50017 used twice."""
    for source, by_client in ((50002, True), (50003, False), (50016, True), (50017, False), (50017, True)):
        client, server = pair.open(source)
        converse(client, server)
        close(*(client, server) if by_client else (server, client))
        if source == 50016:
            pair.cable.forge(client_of(source), "client", "R")
            settle()
    client, _server = pair.open(50010)
    abort(client)
    close(*reversed(pair.open(50011)))
    client, server = pair.open(50013)
    converse(client, server)
    client.shutdown(socket.SHUT_WR)
    settle()


def client_of(source):
    return (Pair.CLIENT, source), (Pair.SERVER, 80)


def _slow_setups(pair):
    """50007: the first SYN is lost; 50008: the SYN-ACK is late; 50009: the first SYN-ACK is lost; 50018: it is spoiled."""
    for source in (50007, 50008, 50009, 50018):
        client, server = pair.open(source)
        converse(client, server)
        close(client, server)


def _aborts(pair):
    """50005 refused; 50012 the server leaves the request unread; 50014 the client closes before the answer comes; 50015
    the client aborts with its request on the way; 50019 a SYN whose sender knows nothing of it."""
    try:
        pair.connect(50005, 81)
    except ConnectionRefusedError:
        settle()
    client, server = pair.open(50012)
    client.sendall(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
    settle()
    server.close()
    settle()
    client, server = pair.open(50014)
    say(client, server, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
    client.close()
    settle()
    server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
    settle()
    client, server = pair.open(50015)
    converse(client, server)
    client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    abort(client)
    pair.cable.forge(((Pair.CLIENT, 50019), (Pair.SERVER, 8080)), "client", "S", seq=7000)
    settle()


def _intruders(pair):
    """50021: the client restarts, its SYN meets the old connection; 50022: a forged RST, not exact, is challenged."""
    client, server = pair.open(50021)
    converse(client, server)
    vanish(client)
    settle()
    client, server = pair.open(50021)
    converse(client, server)
    close(client, server)
    client, server = pair.open(50022)
    converse(client, server)
    pair.cable.forge(client, "client", "R", seq=1000)
    settle()
    converse(client, server, b"/again")
    close(client, server)


def make(name):
    """The bytes of one capture file."""
    with Lab() as lab:
        SCENARIOS[name][0](lab)
    return lab.capture.bytes(name.endswith(".pcapng"))
