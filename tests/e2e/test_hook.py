"""The hook in front of the host's dissectors: it changes nothing that the host shows, says what it cannot see, and is bounded.

Leaves to others: what is said of the segments (test_filters.py and others), tunnels as such (test_tunnels.py), and memory errors
(tests/robustness).
"""
import json
import random
import re
import struct
import subprocess
import sys

import pytest

import harness
from harness import Sharkd, differences, in_parallel
from packets import Capture, Talk, SYN_OPTIONS, ethernet, icmp, ipv4, tcp
from test_paths import conversation
from test_tunnels import CLIENT, sixth, udp

sys.path.insert(0, str(harness.ROOT / "tests" / "robustness"))
from damage import Damager, read_pcap, write_pcap  # noqa: E402

REPORT = ("-q", "-z", "tcphs,conn", "-o", "tcphs.report:json")
NOT_SEEN = re.compile(r"tcphs: frame 1 has TCP that does not come from the dissector table ip\.proto")
JUDGED = ("tcphs.id", "tcphs.stage", "tcphs.step", "tcphs.close_step", "tcphs.accepted", "tcphs.anomaly", "tcphs.copy")


def write(host, name, frames, linktype=1):
    cap = Capture()
    cap.frames = frames
    path = host.output(name)
    path.write_bytes(cap.bytes(linktype))
    path.chmod(0o644)
    return path


def changed(frames, change):
    """Each frame of an IPv4 conversation over Ethernet made another one: change(IP packet, source, destination)."""
    out = []
    for when, kept, _length in frames:
        packet = kept[14:]
        ends = [".".join(map(str, packet[a:a + 4])) for a in (12, 16)]
        frame = change(packet, *ends)
        out.append((when, frame, len(frame)))
    return out


def talk():
    return conversation(Capture()).frames


def capture_line(host, path, *args):
    """What the `capture:` line of a report says, and what went to stderr."""
    done = host.ts(*REPORT, "-r", path, *args)
    return json.loads(done.stdout.splitlines()[-1])["capture"], done.stderr


def judged(host, path, *args):
    return [[f.fields.get(name) for name in JUDGED] for f in host.frames(path, *args)]


# Blind spots ------------------------------------------------------------------------------------------------------


def script(host, name, text):
    path = host.output(name)
    path.write_text(text)
    path.chmod(0o644)
    return ("-X", f"lua_script:{path}")


LUA_CARRIER = """
local carrier = Proto("carrier", "Carries TCP")
function carrier.dissector(tvb, pinfo, tree) return Dissector.get("tcp"):call(tvb, pinfo, tree) end
DissectorTable.get("udp.port"):add(9999, carrier)
"""


def exported(packet, source, destination):
    """An exported PDU (link type 252) of the dissector "tcp" with the addresses of its IP header."""
    def option(kind, value):
        return struct.pack("!HH", kind, len(value)) + value
    name = b"tcp\0"
    addresses = (bytes(map(int, a.split("."))) for a in (source, destination))
    return option(12, name) + b"".join(option(20 + i, a) for i, a in enumerate(addresses)) + option(0, b"") + packet[20:]


def in_udp(port):
    return lambda packet, source, destination: ethernet(ipv4(source, destination, udp(port, packet[20:]), 17))


def of_protocol(number):
    return lambda packet, source, destination: ethernet(ipv4(source, destination, packet[20:], number))


BLIND = {"decode as 6": (lambda packet, *_: ethernet(packet), 1, ("-d", "ip.proto==6,tcp")),
         "decode as 253": (of_protocol(253), 1, ("-d", "ip.proto==253,tcp")),
         "a UDP port": (in_udp(4000), 1, ("-d", "udp.port==4000,tcp")),
         "exported PDUs": (exported, 252, ()),
         "DLT_USER": (lambda packet, *_: packet[20:], 147, ("-o", 'uat:user_dlts:"User 0 (DLT=147)","tcp","0","","0",""')),
         "a script": (in_udp(9999), 1, LUA_CARRIER)}


@pytest.mark.parametrize("passes", [(), pytest.param(("-2",), marks=pytest.mark.trust)], ids=["one", "two"])
@pytest.mark.parametrize("name", BLIND)
def test_tcp_that_is_reached_another_way(host, name, passes):
    """Nothing is said of it but that it is there."""
    change, linktype, args = BLIND[name]
    path = write(host, f"blind-{name.replace(' ', '-')}.pcap", changed(talk(), change), linktype)
    args = script(host, "carrier.lua", args) if isinstance(args, str) else args
    assert len(host.lines("-r", path, *args, "-Y", "tcp")) == 8
    line, said = capture_line(host, path, *args, *passes)
    assert (line["frames"], line["segments"], line["tcp_not_seen"]) == (8, 0, 8)
    assert NOT_SEEN.match(said) and said.count("\n") == 1, said
    assert not any(f.fields for f in host.frames(path, *args, *passes))


def test_what_is_seen_beside_what_is_not(host):
    """Of one frame, too: the segment in UDP is one, its envelope none."""
    path = write(host, "half-blind.pcap", [f for pair in zip(talk(), changed(talk(), in_udp(4000))) for f in pair])
    line, said = capture_line(host, path, "-d", "udp.port==4000,tcp")
    assert (line["segments"], line["tcp_not_seen"]) == (8, 8) and "tcphs: frame 2 has TCP" in said


def test_without_tcp_a_blind_spot_stays_one(host):
    path = write(host, "blind-without.pcap", talk())
    line, said = capture_line(host, path, "-d", "ip.proto==6,tcp", "-o", "tcphs.dissect_tcp:FALSE")
    assert line["tcp_not_seen"] == 8 and NOT_SEEN.match(said)


def test_nothing_is_unseen_in_ordinary_captures(host, everything):
    for args in ((), ("-2",)):
        line, said = capture_line(host, everything, *args)
        assert line["tcp_not_seen"] == 0 and line["segments"] > 1000 and said == ""


def test_another_protocol_number_decoded_by_the_hook(host):
    """The row of Decode As that stands in the table for number 6."""
    path = write(host, "number-253.pcap", changed(talk(), of_protocol(253)))
    args = ("-d", "ip.proto==253,tcphs.in_front_of.tcp")
    line, said = capture_line(host, path, *args)
    assert (line["segments"], line["tcp_not_seen"], said) == (8, 0, "")
    assert judged(host, path, *args) == judged(host, write(host, "number-6.pcap", talk()))
    assert set(host.lines("-r", path, *args, "-T", "fields", "-e", "frame.protocols")) == {"eth:ethertype:ip:tcp"} | set(
        host.lines("-r", path, "-d", "ip.proto==253,tcp", "-T", "fields", "-e", "frame.protocols"))


# Fidelity ---------------------------------------------------------------------------------------------------------

TEXT_ROWS = re.compile(r"^\[TCP Handshake Analysis.*\n(?: .*\n)*", re.M)
PDML_ROWS = re.compile(r'^  <proto name="tcphs".*\n(?:    .*\n)*  </proto>\n', re.M)
PDML_HEAD = re.compile(r"^<pdml .*\n", re.M)  # says when it was made


def shown(host, path, form, *args):
    """What a program shows of a capture without the plugin's rows; how many those were; what went to stderr."""
    done = host.ts("-r", path, *args, *(("-V",) if form == "text" else ("-T", "pdml")), ok=(0, 2))
    rest, rows = (TEXT_ROWS if form == "text" else PDML_ROWS).subn("", done.stdout)
    return PDML_HEAD.sub("", rest), rows, re.sub(r"\(tshark:\d+\) [\d:.]+", "", done.stderr)


def first_difference(a, b):
    """In words; None where there is none."""
    if a == b:
        return None
    pairs = zip(a.splitlines(), b.splitlines())
    return next((f"{x!r} and {y!r}" for x, y in pairs if x != y), f"{len(a)} and {len(b)} characters")


def changes(host, bare_host, captures, form, *args):
    """Where the host shows something else with the plugin than without; and how many frames had rows of the plugin."""
    def compare(path):
        (ours, rows, said), (alone, none, said_alone) = (shown(h, path, form, *args) for h in (host, bare_host))
        assert none == 0 and len(alone) > 100
        wrong = first_difference(ours, alone) or first_difference(said, said_alone)
        return rows, f"{path.name} {form} {args}: {wrong}" if wrong else None
    results = in_parallel(compare, captures)
    return [wrong for _, wrong in results if wrong], sum(rows for rows, _ in results)


@pytest.mark.parametrize("form", ["text", "pdml"])
def test_the_host_shows_the_same(host, bare_host, share, form):
    wrong, rows = changes(host, bare_host, share, form)
    assert wrong == [] and rows > 100


@pytest.mark.trust
@pytest.mark.parametrize("args", [("-2",), ("-o", "ip.defragment:FALSE"), ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")], ids=" ".join)
def test_the_host_shows_the_same_in_other_ways(host, bare_host, samples, args):
    wrong, rows = changes(host, bare_host, samples, "text", *args)
    assert wrong == [] and rows > 100


@pytest.mark.trust
@pytest.mark.parametrize("form", ["text", "pdml"])
def test_the_host_shows_the_same_of_the_lab(host, bare_host, lab, form):
    if not lab:
        pytest.skip("no lab captures beside the checkout")
    wrong, rows = changes(host, bare_host, lab, form)
    assert wrong == [] and rows > 100


AT_A_TIME = 50  # damaged captures in one file


@pytest.mark.parametrize("count", [AT_A_TIME, pytest.param(1000, marks=pytest.mark.trust)])
def test_the_host_shows_the_same_of_damaged_captures(host, bare_host, count):
    """Damaged ones of Ethernet in a row, so that each has the ones before it for a past; malformed frames and exceptions come with it."""
    damager = Damager([p.read_bytes() for p in sorted(harness.SAMPLES.glob("*.pcap"))])
    files, made, number = [], 0, 0
    while made < count:
        frames = []
        for _ in range(min(AT_A_TIME, count - made)):
            link = None
            while link != 1:
                link, more = read_pcap(damager.make("fidelity", number)[0]) or (None, [])
                number += 1
            frames += more
            made += 1
        path = host.output(f"damaged-{count}-{made}.pcap")
        path.write_bytes(write_pcap(1, frames))
        path.chmod(0o644)
        files.append(path)
    for form in ("text", "pdml"):
        wrong, rows = changes(host, bare_host, files, form)
        assert wrong == [] and rows > 5 * count


def test_layers_are_the_hosts(host, bare_host, everything):
    """frame.protocols, and what a hierarchy of protocols counts."""
    for ask in (("-T", "fields", "-e", "frame.protocols"), ("-q", "-z", "io,phs"), ("-q", "-z", "conv,tcp"), ("-q", "-z", "io,stat,0,tcp,ip,icmp,gre")):
        assert host.lines("-r", everything, *ask) == bare_host.lines("-r", everything, *ask)


def decodes(host):
    return [row.split("\t") for row in host.run(host.tshark, "-G", "decodes").stdout.splitlines()]


def test_decode_as_keeps_its_rows(host, bare_host):
    """Those of the nine protocols bear another name, for a filter name is of one protocol only."""
    ours, alone = decodes(host), decodes(bare_host)
    assert sorted(row[:2] for row in ours) == sorted(row[:2] for row in alone)
    other = {row[1]: row[2] for row in ours if row not in alone}
    assert other == {number: f"tcphs.in_front_of.{name}" for number, name in
                     {"1": "icmp", "4": "ipip", "6": "tcp", "17": "udp", "41": "ipv6", "47": "gre", "50": "esp", "51": "ah", "58": "icmpv6"}.items()}


def in_esp(packet, source, destination):
    """NULL encryption and 12 bytes of authentication, in transport mode (RFC 4303, RFC 2410)."""
    inside = packet[20:]
    padding = bytes(range(1, 1 + -(len(inside) + 2) % 4))
    body = struct.pack("!II", 0x1234, 1) + inside + padding + bytes((len(padding), 6)) + b"\xA5" * 12
    return ethernet(ipv4(source, destination, body, 50))


NULL_ESP = ("-o", "esp.enable_null_encryption_decode_heuristic:TRUE")


def test_exported_pdus_are_the_same(host, bare_host):
    """Those out of ESP are labelled with the name of the dissector that stands in ip.proto. Taken in again, that name is what calls it."""
    written = []
    for h in (host, bare_host):
        out = h.output("layer-3.pcapng")
        h.ts("-r", write(h, "esp.pcap", changed(talk(), in_esp)), *NULL_ESP, "-U", "OSI layer 3", "-w", out)
        written.append(h.lines("-r", out, "-x"))
        assert "exported_pdu:tcp" in h.lines("-r", out, "-T", "fields", "-e", "frame.protocols")
    assert written[0] == written[1] and len(written[0]) > 8


def test_segments_behind_esp(host):
    path = write(host, "behind-esp.pcap", changed(talk(), in_esp))
    assert judged(host, path, *NULL_ESP) == judged(host, write(host, "plain.pcap", talk()))


def test_tcp_is_disabled(host, bare_host, everything):
    """The hook goes off with the protocol that it stands in front of."""
    for ask in (("-V",), ("-2", "-V"), ("-T", "fields", "-e", "frame.protocols")):
        assert host.lines("-r", everything, "--disable-protocol", "tcp", *ask) == bare_host.lines("-r", everything, "--disable-protocol", "tcp", *ask)
    line, said = capture_line(host, everything, "--disable-protocol", "tcp")
    assert (line["segments"], line["tcp_not_seen"], said) == (0, 0, "")


@pytest.mark.parametrize("name", ["icmp", *(pytest.param(name, marks=pytest.mark.trust) for name in ("gre", "udp", "ipv6"))])
def test_a_protocol_below_is_disabled(host, bare_host, everything, name):
    args = ("--disable-protocol", name, "-V")
    wrong, _rows = changes(host, bare_host, [everything], "text", *args[:2])
    assert wrong == []


def test_tcphs_is_disabled(host, bare_host, everything):
    """And then TCP is dissected whatever tcphs.dissect_tcp says."""
    due = bare_host.lines("-r", everything, "-V")
    for more in ((), ("-o", "tcphs.dissect_tcp:FALSE")):
        assert host.lines("-r", everything, "-V", "--disable-protocol", "tcphs", *more) == due


def test_only_some_protocols(host):
    if host.version < (4, 4):
        pytest.skip("--only-protocols is of Wireshark 4.4")
    path = write(host, "only.pcap", talk())
    with_it = ("--only-protocols", "frame,eth,ip,tcp,tcphs")
    assert judged(host, path, *with_it) == judged(host, path)
    assert not any(f.fields for f in host.frames(path, "--only-protocols", "frame,eth,ip,tcp"))


LUA_FRONT = """
local ip = DissectorTable.get("ip.proto")
local before, front = ip:get_dissector(6), Proto("front", "In front of TCP")
function front.dissector(tvb, pinfo, tree) tree:add(front, tvb()); return before:call(tvb, pinfo, tree) end
ip:set(6, front)
"""


def test_a_script_in_front_of_the_hook(host):
    """It does not hand on the IP header, as it cannot: what is judged by addresses, ports and numbers stays."""
    path = write(host, "front.pcap", talk())
    front = script(host, "front.lua", LUA_FRONT)
    assert set(host.lines("-r", path, *front, "-T", "fields", "-e", "frame.protocols")) == {"eth:ethertype:ip:front:tcp"}
    assert judged(host, path, *front) == judged(host, path)
    line, said = capture_line(host, path, *front)
    assert (line["segments"], line["tcp_not_seen"], said) == (8, 0, "")


LUA_AGAIN = """
local again = Proto("again", "Calls TCP once more")
function again.dissector(tvb, pinfo, tree)
    if tvb:len() >= 54 then Dissector.get("tcp"):call(tvb(34):tvb(), pinfo, tree) end
end
register_postdissector(again, true)
"""


def test_a_script_that_calls_tcp_again(host):
    """As a post-dissector behind or in front of ours: the segments are what they were; what it adds is at most counted."""
    path = write(host, "again.pcap", talk())
    args = script(host, "again.lua", LUA_AGAIN)
    assert judged(host, path, *args) == judged(host, path)
    line, _said = capture_line(host, path, *args)
    assert line["segments"] == 8 and line["tcp_not_seen"] in (0, 8)


NEIGHBOUR = r"""
#include <stdio.h>
#include <string.h>
#include <gmodule.h>
#include <wireshark.h>
#include <epan/packet.h>
#include <epan/proto.h>
#define EXPORT __attribute__((visibility("default")))
EXPORT const char plugin_version[] = "1.0";
EXPORT const int plugin_want_major = WIRESHARK_VERSION_MAJOR, plugin_want_minor = WIRESHARK_VERSION_MINOR;
EXPORT void plugin_register(void);
EXPORT unsigned plugin_describe(void);
static dissector_handle_t next;
static int dissect(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    return call_dissector_only(next, tvb, pinfo, tree, data);
}
static void declare(void)
{
    proto_register_protocol("Neighbour of tcphs", "NEIGHBOUR", "neighbour_of_tcphs");
}
static void hand_off(void)
{
    next = dissector_get_uint_handle(find_dissector_table("ip.proto"), 6);
    int proto = proto_get_id_by_filter_name("neighbour_of_tcphs"), theirs = dissector_handle_get_protocol_index(next);
    fprintf(stderr, "neighbour in front of %s\n", proto_get_protocol_filter_name(theirs));
    dissector_add_uint("ip.proto", 6, create_dissector_handle(dissect, proto));
}
void plugin_register(void)
{
    static proto_plugin plugin = { .register_protoinfo = declare, .register_handoff = hand_off };
    proto_register_plugin(&plugin);
}
unsigned plugin_describe(void)
{
    return 1;
}
"""


@pytest.fixture(scope="module")
def neighbour(host, tmp_path_factory):
    """A plugin that does as the hook does, built; it says in front of what it stands."""
    folder = tmp_path_factory.mktemp("neighbour")
    source, made = folder / "neighbour.c", folder / "neighbour.so"
    source.write_text(NEIGHBOUR)
    flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0", "gmodule-2.0", "wireshark"], capture_output=True, text=True)
    if flags.returncode != 0:
        pytest.skip(f"no headers to build a plugin with: {flags.stderr}")
    version = [f"-DWIRESHARK_VERSION_{n}={v}" for n, v in zip(("MAJOR", "MINOR"), host.version)]
    built = subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", made, source, *version, *flags.stdout.split()], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return made


def test_another_hook_before_and_behind(neighbour):
    """The order is that in which the host happens to find the files: names are tried until both have come about."""
    names, seen = ["a.so", "zz.so", *(f"neighbour{i}.so" for i in range(10))], {}
    made = harness.Host(**harness.chosen())
    try:
        made.install()
        path = write(made, "neighbour.pcap", talk())
        due = judged(made, path)
        for name in names:
            beside = made.installed.parent / name
            beside.write_bytes(neighbour.read_bytes())
            beside.chmod(0o755)
            said = made.ts("-r", path, "-T", "fields", "-e", "frame.protocols")
            order = re.search(r"neighbour in front of (\S+)", said.stderr).group(1)
            seen[order] = name
            assert set(said.stdout.split()) == {"eth:ethertype:ip:neighbour_of_tcphs:tcp"} and judged(made, path) == due
            assert capture_line(made, path)[0]["tcp_not_seen"] == 0
            beside.unlink()
            if len(seen) == 2:
                break
    finally:
        made.close()
    assert set(seen) <= {"tcp", "tcphs.in_front_of.tcp"}
    if len(seen) < 2:
        pytest.skip(f"the host took the files in one order only: neighbour in front of {', '.join(seen)}")


def test_sharkd_in_any_order(host, share):
    """Frames are visited with others in between, some twice."""
    dice = random.Random("hook")
    with Sharkd(host) as sharkd:
        for capture in share[:6]:
            due = host.frames(capture, "-2")
            count = sharkd.load(capture)
            order = dice.choices(range(1, count + 1), k=min(200, 2 * count))
            visited = [sharkd.frame(n) for n in order]
            assert differences(capture.name, [due[n - 1] for n in order], visited) == []


# Without TCP ------------------------------------------------------------------------------------------------------

WITHOUT_TCP = ("-o", "tcphs.dissect_tcp:FALSE")


@pytest.mark.parametrize("form", ["text", *(pytest.param(form, marks=pytest.mark.trust) for form in ("tsv", "json"))])
def test_reports_without_tcp(host, share, form):
    """The same to the letter."""
    reports = sum((["-z", f"tcphs,{r}"] for r in ("conn", "server", "client", *(["ladder"] if form == "text" else []))), [])
    def differ(capture):
        ask = ("-q", *reports, "-o", f"tcphs.report:{form}", "-r", capture)
        with_it, without = host.ts(*ask), host.ts(*WITHOUT_TCP, *ask)
        assert len(with_it.stdout.splitlines()) > 4
        wrong = first_difference(with_it.stdout + with_it.stderr, without.stdout + without.stderr)
        return [f"{capture.name}: {wrong}"] if wrong else []
    assert sum(in_parallel(differ, share), []) == []


@pytest.mark.parametrize("wanted", ["tcp.port == 80", "tcp", "http", "dns", "tls.handshake.type == 1", "ip && http.request"])
def test_a_report_by_what_is_not_dissected_is_refused(host, everything, wanted):
    done = host.ts("-r", everything, *WITHOUT_TCP, "-q", "-z", f"tcphs,conn,{wanted}", ok=(1,))
    assert "tcphs.dissect_tcp" in done.stderr and wanted in done.stderr and not done.stdout


@pytest.mark.parametrize("wanted", ["tcphs.step == 1", "ip.addr == 192.0.2.1", "frame.number > 3", "eth.type == 0x800", "vlan.id == 10", "udp.port == 4789",
                                    "ipv6 || ip", "icmp.type == 3", "gre.proto == 0x800"])
def test_a_report_by_what_is_dissected(host, everything, wanted):
    ask = ("-r", everything, "-q", "-z", f"tcphs,conn,{wanted}")
    with_it, without = in_parallel(lambda more: host.ts(*more, *ask), ((), WITHOUT_TCP))
    assert (with_it.stdout, with_it.stderr) == (without.stdout, without.stderr)
    assert len(with_it.stdout.splitlines()) > 4


@pytest.mark.parametrize("passes", [(), ("-2",)], ids=["one", "two"])
@pytest.mark.parametrize("wanted,name", [("tcp.flags.syn == 1", "tcp"), ("http.request", "http")])
def test_a_display_filter_by_what_is_not_dissected(host, everything, wanted, name, passes):
    done = host.ts("-r", everything, *WITHOUT_TCP, "-Y", wanted, *passes)
    assert done.stdout == "" and done.stderr == f"tcphs: there are no fields of {name}, as the preference tcphs.dissect_tcp is off\n"


@pytest.mark.parametrize("wanted", ["tcphs.step == 1", "ip", "vlan || udp || icmp"])
def test_a_display_filter_by_what_is_dissected(host, everything, wanted):
    assert host.ts("-r", everything, *WITHOUT_TCP, "-Y", wanted).stderr == ""


# Bounds -----------------------------------------------------------------------------------------------------------


def nested(packet, depth, number=4):
    for _ in range(depth):
        packet = ipv4("10.0.0.1", "10.0.0.2", packet, number)
        number = 4
    return ethernet(packet)


def test_nested_a_hundred_deep(host, bare_host):
    """All that the host goes through is followed; beyond that there is nothing to see, and nothing is made up."""
    frames = []
    for depth in (0, 1, 30, 100, 250):
        frames += changed(conversation(Capture(), 50000 + depth).frames, lambda packet, *_: nested(packet, depth))
    path = write(host, "deep.pcap", frames)
    wrong, _rows = changes(host, bare_host, [path], "text")
    assert wrong == []
    frames, dissected = host.frames(path), host.numbers(path, "tcp")
    assert [f.number for f in frames if f.has("tcphs.stage")] == dissected and len(dissected) >= 24
    depths = [frames[i:i + 8] for i in range(0, len(dissected), 8)]
    assert [[f.one("tcphs.id") for f in eight] for eight in depths] == [[str(n)] * 8 for n in range(len(depths))]
    assert all(eight[7].one("tcphs.stage") == "5" for eight in depths)
    assert differences("twice", frames, host.frames(path, "-2")) == []


def aggregate(packets):
    """A Wi-Fi frame of several IP packets (A-MSDU)."""
    head, body = bytes.fromhex("88010000 020000000003 020000000001 020000000002 0000 8000".replace(" ", "")), b""
    for packet in packets:
        inside = bytes.fromhex("aaaa030000000800") + packet
        body += b"\0" * (-len(body) % 4) + head[10:16] + head[4:10] + struct.pack("!H", len(inside)) + inside
    return head + body


def syns(ports):
    return [ipv4("192.0.2.1", "198.51.100.7", tcp(("192.0.2.1", port), ("198.51.100.7", 80), 1000, 0, "S")) for port in ports]


MANY_LAYERS = ("-o", "gui.max_tree_depth:10000")  # the host stops at 500


def test_a_thousand_headers_in_a_frame(host):
    """All are learned, and sixteen shown: those of the frame's tree are those that a report gets."""
    count, steps = 1000, ((True, "S", 0, 0), (False, "SA", 0, 1), (True, "A", 1, 1))
    cap = Capture()
    for from_client, flags, seq, ack in steps:
        packets = []
        for port in range(20000, 20000 + count):
            ends = (("192.0.2.1", port), ("198.51.100.7", 80)) if from_client else (("198.51.100.7", 80), ("192.0.2.1", port))
            own, other = (1000, 9000) if from_client else (9000, 1000)
            packets.append(ipv4(ends[0][0], ends[1][0], tcp(*ends, own + seq, other + ack if ack else 0, flags)))
        cap.add(aggregate(packets))
    path = write(host, "aggregates.pcap", cap.frames, 105)
    rows = [json.loads(line) for line in host.ts("-r", path, *REPORT, *MANY_LAYERS).stdout.splitlines()]
    assert rows[-1]["capture"]["segments"] == 3 * count and rows[-1]["capture"]["tcp_not_seen"] == 0
    assert [r["tcphs.conn.verdict"] for r in rows if "tcphs.id" in r] == ["established"] * 16
    once, twice = host.frames(path, *MANY_LAYERS), host.frames(path, "-2", *MANY_LAYERS)
    assert [len(f.fields["tcphs.id"]) for f in once] == [16] * 3 and differences("twice", once, twice) == []
    last = host.frames(write(host, "last.pcap", [*cap.frames, (cap.now + 1000, aggregate(packets[-1:]), len(aggregate(packets[-1:])))], 105), *MANY_LAYERS)[-1]
    assert (last.one("tcphs.id"), last.one("tcphs.stage")) == (str(count - 1), "3"), "what was not shown was learned"


@pytest.mark.parametrize("passes", [(), ("-2",)], ids=["one", "two"])
def test_more_layers_than_the_host_allows(host, passes):
    """It then calls no post-dissector: nothing of that frame may be taken for one of the next, whose first header lies deeper. That once
    read memory of the frame before."""
    tagged = aggregate(syns([40000])).replace(struct.pack("!H", 48), struct.pack("!H", 52), 1)
    tagged = tagged.replace(bytes.fromhex("aaaa030000000800"), bytes.fromhex("aaaa03000000810000070800"))
    cap = Capture()
    for frame in (aggregate(syns(range(20000, 20300))), tagged, aggregate(syns([41000])), aggregate(syns([42000]))):
        cap.add(frame)
    path = write(host, "too-many.pcap", cap.frames, 105)
    dissected = host.lines("-r", path, "-T", "fields", "-e", "frame.protocols")[0].count(":tcp")
    assert 100 < dissected < 300
    assert [f.fields.get("tcphs.id") for f in host.frames(path, *passes)] == [None, ["0"], ["1"], ["2"]]
    line, _said = capture_line(host, path, *passes)
    assert (line["segments"], line["tcp_not_seen"]) == (3, dissected)


def in_ah(packet, source, destination):
    body = struct.pack("!BBHIIQI", 6, 4, 0, 1, 1, 0, 0) + packet[20:]
    return ethernet(ipv4(source, destination, body, 51))


def in_ah6(frames):
    """Authenticated, behind a hop-by-hop header."""
    out = []
    for when, kept, _length in sixth(frames):
        packet = kept[14:]
        body = struct.pack("!BBBB4s", 51, 0, 1, 4, b"\0" * 4) + struct.pack("!BBHIIQI", 6, 4, 0, 1, 1, 0, 0) + packet[40:]
        frame = kept[:14] + packet[:4] + struct.pack("!HB", len(body), 0) + packet[7:40] + body
        out.append((when, frame, len(frame)))
    return out


def in_6in4(frames):
    out = []
    for when, kept, _length in sixth(frames):
        near, far = ("10.0.0.1", "10.0.0.2") if kept[22 + 12:22 + 16] == CLIENT else ("10.0.0.2", "10.0.0.1")
        frame = ethernet(ipv4(near, far, kept[14:], 41))
        out.append((when, frame, len(frame)))
    return out


INSIDE = {"AH": lambda: changed(talk(), in_ah), "AH over IPv6": lambda: in_ah6(talk()), "6in4": lambda: in_6in4(talk())}


@pytest.mark.parametrize("name", INSIDE)
def test_what_stands_around_tcp(host, bare_host, name):
    path = write(host, f"{name.replace(' ', '-')}.pcap", INSIDE[name]())
    assert judged(host, path) == judged(host, write(host, "bare.pcap", talk()))
    assert changes(host, bare_host, [path], "text")[0] == []


def test_ttl_is_known_behind_ah(host):
    """The IP header stands in front of AH: a RST of another TTL is told by it."""
    cap = Capture()
    t = Talk(cap, 5)
    t.open()
    for n in range(8):
        t.c("PA", 1 + 9 * n, 1, data=b"x" * 9)
        t.s("A", 1, 10 + 9 * n)
    t.s("R", 1, 0, ttl=250)
    t.s("PA", 1, 73, data=b"y" * 5)

    def behind(packet, source, destination):
        body = struct.pack("!BBHIIQI", 6, 4, 0, 1, 1, 0, 0) + packet[20:]
        return ethernet(ipv4(source, destination, body, 51, ttl=packet[8], ident=struct.unpack_from("!H", packet, 4)[0]))
    plain, inside = (host.frames(write(host, f"ttl-{n}.pcap", f)) for n, f in (("plain", cap.frames), ("ah", changed(cap.frames, behind))))
    assert differences("behind AH", plain, inside, pick=lambda f: f.fields) == []
    assert any(f.has("tcphs.anomaly.rst_ttl") for f in inside)


LIES = [0, 7, 8, 9, 15, 16, 20, 28, 35, 43, 60, 65535]


@pytest.mark.parametrize("port", [4789, 6081, 2152, 3386])
def test_tunnels_over_udp_whose_lengths_lie(host, bare_host, port):
    """Of IP, of UDP and of the tunnel: what the host still dissects is what is seen, and both passes see the same."""
    heads = {4789: struct.pack("!II", 0x08000000, 7 << 8), 6081: struct.pack("!HHI", 0, 0x6558, 7 << 8),
             2152: struct.pack("!BBHI", 0x30, 255, 40, 7), 3386: struct.pack("!BBHHHIQ", 0x1E, 255, 40, 1, 7, 0xFFFFFFFF, 7)}
    frames = []
    for lie in LIES:
        for place in (16, 38, 2 + 42):  # where the lengths of IP, UDP and GTP stand
            for when, kept, _length in talk():
                inside = kept if port in (4789, 6081) else kept[14:]
                frame = bytearray(ethernet(ipv4("10.0.0.1", "10.0.0.2", udp(port, heads[port] + inside), 17)))
                struct.pack_into("!H", frame, place, lie)
                frames.append((when, bytes(frame), len(frame)))
    path = write(host, f"lies-{port}.pcap", frames)
    once = host.frames(path)
    assert differences("twice", once, host.frames(path, "-2")) == []
    seen = {f.number for f in once if f.fields}
    assert seen <= set(host.numbers(path, "tcp")) and len(seen) > 8
    line, said = capture_line(host, path)
    assert line["tcp_not_seen"] == 0 and said == ""
    assert changes(host, bare_host, [path], "text")[0] == []


def test_a_quote_is_no_segment(host):
    """Nor is a segment inside a tunnel that an ICMP error quotes."""
    cap = Capture()
    t = Talk(cap, 6)
    t.c("S", options=SYN_OPTIONS)
    quoted = ipv4("10.0.0.1", "10.0.0.2", ipv4(*(e[0] for e in (t.client, t.server)), tcp(t.client, t.server, t.iss, 0, "S", options=SYN_OPTIONS)), 4)
    cap.ip("10.0.0.9", "10.0.0.1", icmp(3, 1, quoted), 1)
    frames = host.frames(write(host, "quote.pcap", cap.frames))
    assert frames[1].has("tcphs.icmp") and not frames[1].has("tcphs.step")


# Expert infos -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [(), ("-2",), WITHOUT_TCP], ids=["one", "two", "without TCP"])
def test_expert_infos_are_of_tcphs(host, declared, everything, args):
    summaries = {title for name, (title, _, _) in declared.items() if name.startswith("tcphs.expert.")}
    rows = [line.split(None, 3) for line in host.lines("-r", everything, "-q", "-z", "expert", *args)]
    ours = [row for row in rows if len(row) == 4 and row[0].isdigit() and row[3] in summaries]
    assert len(ours) > 10 and {row[2] for row in ours} == {"TCPHS"}, ours[:5]
