"""One pair of addresses and ports, several ways through the capture: VLAN tags and copies decide what one connection is."""
import pytest

from packets import Capture, Talk, SYN_OPTIONS


def tagged(cap, vlan_of):
    """Puts an 802.1Q tag behind the addresses of each frame; vlan_of(index) names it."""
    frames = []
    for i, (when, kept, length) in enumerate(cap.frames):
        frames.append((when, kept[:12] + b"\x81\x00" + vlan_of(i).to_bytes(2, "big") + kept[12:], length + 4))
    cap.frames = frames
    return cap


def conversation(cap, port=50001, **more):
    t = Talk(cap, port, **more)
    t.open()
    t.c("PA", 1, 1, data=b"x" * 10)
    t.s("A", 1, 11)
    t.c("FA", 11, 1)
    t.s("FA", 1, 12)
    t.c("A", 12, 2)
    return cap


def seen(host, name, cap, *fields):
    path = host.output(name)
    path.write_bytes(cap.bytes())
    path.chmod(0o644)
    both = []
    for passes in ((), ("-2",)):
        wanted = [w for f in fields for w in ("-e", f)]
        both.append([line.split("\t") for line in host.lines("-r", path, *passes, "-T", "fields", *wanted)])
    assert both[0] == both[1], "one pass and two differ"
    return both[0]


def test_each_direction_with_a_tag_of_its_own_is_one_connection(host):
    cap = conversation(Capture())
    from_client = [f[1][26:30] == bytes([192, 0, 2, 1]) for f in cap.frames]
    rows = seen(host, "asymmetric.pcap", tagged(cap, lambda i: 10 if from_client[i] else 20), "tcphs.id", "tcphs.stage", "tcphs.step")
    assert {r[0] for r in rows} == {"0"}
    assert [r[2] for r in rows[:3]] == ["1", "2", "3"] and rows[-1][1] == "5"


def test_same_ports_on_two_vlans_are_two_connections(host):
    cap = Capture()
    for frames in zip(conversation(Capture()).frames, conversation(Capture(), iss=77, irs=88).frames):
        cap.frames += frames
    rows = seen(host, "two-vlans.pcap", tagged(cap, lambda i: 10 if i % 2 == 0 else 20), "tcphs.id", "tcphs.stage", "tcphs.anomaly")
    assert {r[0] for r in rows[0::2]} == {"0"} and {r[0] for r in rows[1::2]} == {"1"}
    assert rows[-1][1] == rows[-2][1] == "5" and not any(r[2] for r in rows)


@pytest.mark.parametrize("apart, copies", [(10, True), (5000, False)])
def test_the_same_packet_twice(host, apart, copies):
    """Within 50 us it is a capture copy; later it is a duplicate that TCP itself saw."""
    cap = conversation(Capture())
    cap.frames = [f for when, data, length in cap.frames for f in ((when, data, length), (when + apart, data, length))]
    cap.frames.sort(key=lambda f: f[0])
    rows = seen(host, f"twice-{apart}.pcap", cap, "tcphs.copy", "tcphs.anomaly", "tcphs.syn_count")
    assert sum(bool(r[0]) for r in rows) == (len(rows) // 2 if copies else 0)
    assert not any(r[1] for r in rows)
    assert max(int(r[2] or 0) for r in rows) == (1 if copies else 2)


def test_a_hop_later_is_a_copy(host):
    """A router in the capture: the same IP id with a lower TTL is the same packet."""
    cap = Capture()
    t = Talk(cap, 50002)
    for ttl in (64, 63):
        cap.ident = 5
        t.c("S", options=SYN_OPTIONS, ttl=ttl, after=20000)
    rows = seen(host, "hop.pcap", cap, "tcphs.copy", "tcphs.step")
    assert [bool(r[0]) for r in rows] == [False, True] and [r[1] for r in rows] == ["1", ""]
