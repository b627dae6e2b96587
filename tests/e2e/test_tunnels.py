"""Tunnels: the same addresses and ports in two of them are two connections; the same packet outside and inside one is a copy."""
import struct

import pytest

from packets import Capture, Talk, ETHERNET, SYN_OPTIONS, checksum, ethernet, fragment_of, icmp, ip_header_length, ipv4
from test_paths import conversation, seen

CLIENT = bytes([192, 0, 2, 1])
ENDS = [("203.0.113.1", "203.0.113.2"), ("203.0.113.1", "203.0.113.9")]


def udp(port, body):
    return struct.pack("!HHHH", 40000, port, 8 + len(body), 0) + body


def gre(number, _from_client, packet):
    return 47, struct.pack("!HHI", 0x2000, 0x0800, number) + packet


def ipip(_number, _from_client, packet):
    return 4, packet


def vxlan(number, _from_client, packet):
    return 17, udp(4789, struct.pack("!II", 0x08000000, number << 8) + ethernet(packet))


def geneve(number, _from_client, packet):
    return 17, udp(6081, struct.pack("!HHI", 0, 0x6558, number << 8) + ethernet(packet))


def gtp(number, from_client, packet):
    """Every direction has an endpoint identifier of its own."""
    return 17, udp(2152, struct.pack("!BBHI", 0x30, 255, len(packet), 100 * number + from_client) + packet)


def gtp_version_0(number, _from_client, packet):
    """GSM 09.60: a sequence number, other in each packet, and a flow label; the tunnel's identifier comes last."""
    return 17, udp(3386, struct.pack("!BBHHHIQ", 0x1E, 255, len(packet), packet[5], number, 0xFFFFFFFF, number) + packet)


def pptp(number, from_client, packet):
    """RFC 2637: length and call id stand where GRE has its key, and each direction has a call id of its own."""
    body = b"\xff\x03\x00\x21" + packet
    return 47, struct.pack("!HHHHI", 0x3001, 0x880B, len(body), 100 * number + from_client, 7) + body


def gre_with_checksum(number, _from_client, packet):
    """The key stands behind the checksum, and is told apart from it."""
    return 47, struct.pack("!HHHHI", 0xA000, 0x0800, checksum(packet), 0, number) + packet


def erspan(number, _from_client, packet):
    return 47, struct.pack("!HHIII", 0x1000, 0x88BE, 7, 1 << 28 | number, 0) + ethernet(packet)


def tunnelled(frames, header, number=1, ends=ENDS[0]):
    out = []
    for when, kept, _length in frames:
        from_client = kept[26:30] == CLIENT
        proto, inside = header(number, from_client, kept[14:])
        near, far = ends if from_client else reversed(ends)
        frame = ethernet(ipv4(near, far, inside, proto))
        out.append((when, frame, len(frame)))
    return out


def interleaved(*many):
    cap = Capture()
    cap.frames = [f for frames in zip(*many) for f in frames]
    return cap


def one(header, number=1, ends=ENDS[0], **isns):
    return tunnelled(conversation(Capture(), **isns).frames, header, number, ends)


@pytest.mark.parametrize("header", [gre, gre_with_checksum, pptp, erspan, ipip, vxlan, geneve, gtp, gtp_version_0])
def test_a_connection_in_a_tunnel(host, header):
    cap = interleaved(one(header))
    rows = seen(host, f"in-{header.__name__}.pcap", cap, "tcphs.id", "tcphs.stage", "tcphs.step", "tcphs.anomaly", "tcphs.copy")
    assert {r[0] for r in rows} == {"0"} and [r[2] for r in rows[:3]] == ["1", "2", "3"]
    assert rows[-1][1] == "5" and not any(r[3] or r[4] for r in rows)


@pytest.mark.parametrize("header", [gre, gre_with_checksum, pptp, vxlan, geneve, gtp, gtp_version_0])
def test_two_tunnels_between_the_same_ends(host, header):
    cap = interleaved(one(header, 1), one(header, 2, iss=77, irs=88))
    rows = seen(host, f"two-{header.__name__}.pcap", cap, "tcphs.id", "tcphs.stage", "tcphs.anomaly")
    assert {r[0] for r in rows[0::2]} == {"0"} and {r[0] for r in rows[1::2]} == {"1"}
    assert rows[-1][1] == rows[-2][1] == "5" and not any(r[2] for r in rows)


def in_gre6(frames, number):
    """GRE over IPv6 as Linux sends it: the key stands behind a destination option (RFC 2473)."""
    out = []
    for when, kept, _length in frames:
        ends = [bytes([0x20, 1, 0xD, 0xB8] + [0] * 11 + [end]) for end in (1, 2)]
        near, far = ends if kept[26:30] == CLIENT else reversed(ends)
        inside = bytes([47, 0, 4, 1, 4, 1, 1, 0]) + struct.pack("!HHI", 0x2000, 0x0800, number) + kept[14:]
        frame = ethernet(struct.pack("!IHBB", 6 << 28, len(inside), 60, 64) + near + far + inside, 0x86DD)
        out.append((when, frame, len(frame)))
    return out


def test_two_tunnels_over_ipv6(host):
    cap = interleaved(in_gre6(conversation(Capture()).frames, 1), in_gre6(conversation(Capture(), iss=77, irs=88).frames, 2))
    rows = seen(host, "two-gre6.pcap", cap, "tcphs.id", "tcphs.stage", "tcphs.anomaly")
    assert {r[0] for r in rows[0::2]} == {"0"} and {r[0] for r in rows[1::2]} == {"1"}
    assert rows[-1][1] == rows[-2][1] == "5" and not any(r[2] for r in rows)


def behind(frames, kind, header):
    """Each TCP segment behind one more header between IP and it: kind is its number, header(next) its bytes. IPv4 becomes IPv6 for kind 44."""
    out = []
    for when, kept, _length in frames:
        ip, segment = kept[14:34], kept[34:]
        body = header(6) + segment
        if kind == 44:
            ends = [bytes([0x20, 1, 0xD, 0xB8] + [0] * 8) + a for a in (ip[12:16], ip[16:20])]
            frame = ethernet(struct.pack("!IHBB", 6 << 28, len(body), kind, 64) + ends[0] + ends[1] + body, 0x86DD)
        else:
            frame = ethernet(ipv4(*[".".join(map(str, a)) for a in (ip[12:16], ip[16:20])], body, kind, ident=int.from_bytes(ip[4:6], "big")))
        out.append((when, frame, len(frame)))
    return out


BETWEEN = {"AH": (51, lambda following: struct.pack("!BBHIIQI", following, 4, 0, 1, 1, 0, 0)),
           "atomic fragment": (44, lambda following: struct.pack("!BBHI", following, 0, 0, 7))}


@pytest.mark.parametrize("name", BETWEEN)
def test_a_header_between_ip_and_tcp(host, name):
    cap = Capture()
    cap.frames = behind(conversation(Capture()).frames, *BETWEEN[name])
    path = host.output(f"behind-{BETWEEN[name][0]}.pcap")
    path.write_bytes(cap.bytes())
    path.chmod(0o644)
    seen_there = host.once(path)
    assert [f.fields.get("tcphs.step") for f in seen_there[:3]] == [["1"], ["2"], ["3"]] and seen_there[-1].fields["tcphs.stage"] == ["5"]
    assert seen_there[-1].fields["tcphs.conn.zeek.history"] == ["ShADaFf"] and not any("tcphs.anomaly" in f.fields for f in seen_there)


def test_two_tunnels_between_other_ends(host):
    cap = interleaved(one(ipip, ends=ENDS[0]), one(ipip, ends=ENDS[1], iss=77, irs=88))
    rows = seen(host, "two-ipip.pcap", cap, "tcphs.id", "tcphs.anomaly")
    assert {r[0] for r in rows[0::2]} == {"0"} and {r[0] for r in rows[1::2]} == {"1"} and not any(r[1] for r in rows)


@pytest.mark.parametrize("header", [gre, ipip, vxlan, geneve, gtp])
def test_inside_and_outside_are_two_connections(host, header):
    cap = interleaved(conversation(Capture()).frames, one(header, iss=77, irs=88))
    rows = seen(host, f"beside-{header.__name__}.pcap", cap, "tcphs.id", "tcphs.stage", "tcphs.anomaly", "tcphs.copy")
    assert {r[0] for r in rows[0::2]} == {"0"} and {r[0] for r in rows[1::2]} == {"1"}
    assert rows[-1][1] == rows[-2][1] == "5" and not any(r[2] or r[3] for r in rows)


@pytest.mark.parametrize("tunnel_first", [pytest.param(False, marks=pytest.mark.trust), True])
@pytest.mark.parametrize("header", [gre, ipip, vxlan, geneve, gtp])
def test_before_and_inside_a_tunnel_is_a_copy(host, header, tunnel_first):
    """A gateway in the capture sees every packet twice; which sight comes first depends on the direction."""
    plain = conversation(Capture()).frames
    pairs = []
    for outside, inside in zip(plain, tunnelled(plain, header)):
        from_client = outside[1][26:30] == CLIENT
        pairs += [inside, outside] if from_client == tunnel_first else [outside, inside]
    cap = Capture()
    cap.frames = pairs
    rows = seen(host, f"gateway-{header.__name__}-{tunnel_first}.pcap", cap, "tcphs.id", "tcphs.copy", "tcphs.anomaly", "tcphs.syn_count",
                "tcphs.step")
    assert {r[0] for r in rows} == {"0"}, rows
    assert [bool(r[1]) for r in rows] == [False, True] * (len(rows) // 2)
    assert not any(r[2] for r in rows) and max(int(r[3] or 0) for r in rows) == 1
    assert [r[4] for r in rows[0:6:2]] == ["1", "2", "3"]


def test_an_icmp_error_in_the_same_tunnel_finds_its_connection(host):
    cap = Capture()
    t = Talk(cap, 50003)
    syn = t.c("S", options=SYN_OPTIONS)
    cap.ip("198.51.100.7", "192.0.2.1", icmp(3, 1, t.quoted(8)), proto=1)
    cap.frames = tunnelled(cap.frames, gre)
    rows = seen(host, "icmp-in-gre.pcap", cap, "tcphs.id", "tcphs.icmp", "tcphs.stage")
    assert syn == 1 and rows[0][0] == rows[1][0] == "0" and bool(rows[1][1]) and rows[1][2] == "1"


def test_nat_seen_on_both_sides(host):
    """Before and behind a translator: other addresses, so two connections, both whole, and no copy."""
    inside, outside = conversation(Capture()).frames, conversation(Capture(), client="203.0.113.50").frames
    rows = seen(host, "nat.pcap", interleaved(inside, outside), "tcphs.id", "tcphs.stage", "tcphs.copy", "tcphs.anomaly")
    assert {r[0] for r in rows[0::2]} == {"0"} and {r[0] for r in rows[1::2]} == {"1"}
    assert rows[-1][1] == rows[-2][1] == "5" and not any(r[2] or r[3] for r in rows)


def test_a_socket_connected_to_itself(host):
    """Simultaneous open with oneself: one socket, whose SYN is its own peer's SYN (RFC 9293 3.5)."""
    me = ("192.0.2.1", 50004)
    cap = Capture()
    t = Talk(cap, me[1], client=me[0], server=me[0], to=me[1], iss=7000, irs=7000)
    t.c("S", 0, options=SYN_OPTIONS)
    t.c("SA", 0, 1, options=SYN_OPTIONS)
    t.c("PA", 1, 1, data=b"x" * 10)
    t.c("A", 11, 11)
    t.c("FA", 11, 11)
    t.c("A", 12, 12)
    rows = seen(host, "self.pcap", cap, "tcphs.id", "tcphs.stage", "tcphs.client.state", "tcphs.server.state", "tcphs.anomaly",
                "tcphs.step", "tcphs.from")
    assert {r[0] for r in rows} == {"0"} and not any(r[4] for r in rows), rows
    assert [r[1] for r in rows] == ["2", "3", "3", "3", "4", "5"], rows
    assert all(r[2] == r[3] for r in rows), rows
    assert [r[5] for r in rows] == ["1", "2", "", "", "", ""], rows


def in_fragments(frames, size=16):
    """Each IP packet of more bytes than that cut into fragments (the SYN's options are in the second), in IPv4 or IPv6."""
    out = []
    for number, (when, kept, _length) in enumerate(frames, 7000):
        packet = kept[ETHERNET:]
        body = packet[ip_header_length(packet):]
        for at in range(0, len(body), size):
            frame = kept[:ETHERNET] + fragment_of(packet, at, body[at:at + size], at + size < len(body), number)
            out.append((when, frame, len(frame)))
    return out


def sixth(frames):
    """The same over IPv6."""
    out = []
    for when, kept, _length in frames:
        ends = [bytes([0x20, 1, 0xD, 0xB8] + [0] * 8) + kept[a:a + 4] for a in (26, 30)]
        frame = ethernet(struct.pack("!IHBB", 6 << 28, len(kept) - 34, 6, 64) + ends[0] + ends[1] + kept[34:], 0x86DD)
        out.append((when, frame, len(frame)))
    return out


def scaled():
    """A conversation whose windows the host multiplies by 128."""
    cap = Capture()
    t = Talk(cap, 5)
    t.c("S", options=SYN_OPTIONS)
    t.s("SA", 0, 1, options=SYN_OPTIONS)
    t.c("A", 1, 1, window=600)
    t.c("PA", 1, 1, data=b"question", window=601)
    t.s("A", 1, 9, window=0)
    t.s("PA", 1, 9, data=b"answer", window=602)
    t.c("FA", 9, 7, window=603)
    t.s("FA", 7, 10, window=604)
    t.c("A", 10, 8, window=603)
    return cap.frames


DIVIDED = {"IPv4": in_fragments, "IPv6": lambda frames: in_fragments(sixth(frames)),
           "a tunnel": lambda frames: in_fragments(tunnelled(frames, ipip)),
           "IPv6 in a tunnel": lambda frames: in_fragments(tunnelled(sixth(frames), lambda _n, _c, packet: (41, packet)))}


def segments_of(host, name, frames):
    cap = Capture()
    cap.frames = frames
    path = host.output(f"{name.replace(' ', '-')}.pcap")
    path.write_bytes(cap.bytes())
    path.chmod(0o644)
    return [f for f in host.once(path) if "tcphs.stage" in f.fields]


@pytest.mark.parametrize("name", DIVIDED)
def test_in_fragments(host, name):
    """The header lies in the bytes that the host has put together."""
    frames = segments_of(host, f"divided {name}", DIVIDED[name](scaled()))
    assert [f.fields.get("tcphs.step") for f in frames[:3]] == [["1"], ["2"], ["3"]] and len(frames) == 9
    assert frames[-1].fields["tcphs.conn.zeek.history"] == ["ShADawdFf"] and not any("tcphs.anomaly" in f.fields for f in frames)


def test_fragments_of_a_header_whose_options_make_no_sense(host):
    """No tap tells of it: it is found where the fragments were put together, the first of them captured last too."""
    frames = scaled()
    when, kept, length = frames[3]
    strange = kept[:46] + b"\x70" + kept[47:54] + b"\x05\x02" + b"\x01" * 6 + b"more"  # a SACK option without blocks: Wireshark's TCP gives up
    divided = in_fragments(frames[:3]) + in_fragments([(when, strange, len(strange))])[::-1] + in_fragments(frames[4:])
    assert length == 62 and [f.fields["tcphs.accepted"] for f in segments_of(host, "divided options", divided)[:4]] == [["1"]] * 4


# What ends: the tunnel, where its length stands in the frame, and how much it counts before the inner IP header.
ENDING = {"outer packet": (ipip, 16, 20), "datagram": (vxlan, 38, 8 + 8 + 14)}


@pytest.mark.parametrize("name", ENDING)
def test_a_tunnel_that_ends_before_what_it_carries(host, name):
    """What the header inside claims beyond the end of what is around it was never there."""
    header, place, before = ENDING[name]
    frames = tunnelled(scaled(), header)
    for i, left in ((3, 20), (4, 16)):  # no payload; no whole header
        when, kept, length = frames[i]
        frames[i] = when, kept[:place] + struct.pack("!H", before + 20 + left) + kept[place + 2:], length
    assert len(segments_of(host, f"short {name}", frames)) == 8
