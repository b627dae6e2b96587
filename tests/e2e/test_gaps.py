"""No anomaly that a capture gap alone explains: healthy captures with frames taken out must stay quiet.

Every variant of a capture gets addresses of its own, so that one tshark run judges hundreds of them.
"""
import random
import re

import pytest

import harness
from packets import pcap_bytes, read_pcap

VARIANTS = 60


def quiet_samples():
    """The captures that sample-captures/README.md calls quiet, apart from those whose copies or tunnels need both frames."""
    text = (harness.SAMPLES / "README.md").read_text()
    names = re.findall(r"^\| `([\w.-]+\.pcap)` \|.*\bQuiet\b", text, re.M)
    return [n for n in names if not re.search("span|vlan|gre|vxlan|fragment|router|cut|snaplen|asym|one-sided", n)]


def survivors(rand, frames, kind):
    everything = list(range(len(frames)))
    if kind == 0:  # a few frames lost
        lost = set(rand.sample(everything, min(len(frames) - 1, rand.randint(1, 3))))
        return [i for i in everything if i not in lost]
    if kind == 1:  # a part of the connection only
        start = rand.randrange(len(frames))
        return everything[start:rand.randint(start + 1, len(frames))]
    if kind == 2:  # one direction only
        sender = frames[rand.choice(everything)].data[26:30]
        return [i for i in everything if frames[i].data[26:30] == sender]
    return [i for i in everything if rand.random() > 0.1]  # a capture that loses one in ten


def with_own_address(data, number):
    changed = bytearray(data)
    if data[12:14] == b"\x08\x00":
        places = (28, 32)
    elif data[12:14] == b"\x86\xdd":
        places = (30, 46)
    else:
        pytest.fail("neither IPv4 nor IPv6 on Ethernet")
    for place in places:
        changed[place:place + 1] = bytes([number])
    return bytes(changed)


def test_there_are_quiet_samples():
    assert len(quiet_samples()) >= 10


@pytest.mark.parametrize("name", quiet_samples())
def test_gaps_accuse_nobody(host, name):
    rand = random.Random(name)
    frames = read_pcap(harness.SAMPLES / name)
    out, kept = [], {}
    for number in range(1, VARIANTS + 1):
        chosen = survivors(rand, frames, number % 4)
        kept[number] = chosen
        out += [frames[i]._replace(data=with_own_address(frames[i].data, number)) for i in chosen]
    path = host.output("gaps-" + name)
    path.write_bytes(pcap_bytes(out))
    rows = [line.split("\t") for line in host.lines("-r", path, "-T", "fields", "-e", "tcphs.id", "-e", "tcphs.anomaly", "-e", "tcphs.explain")]
    assert [row for row in rows if row[1]] == [], f"{name}: accused although only frames are missing"
    assert len(rows) == len(out) and all(row[0] for row in rows), "not every variant was read as TCP"
