"""The same answer everywhere: per-segment fields do not depend on passes, order of visits, filters or the host's preferences.

Leaves to others: whether the answer is right (test_golden, test_filters, test_lab).
"""
import re
import struct

import pytest

from harness import Frame, Sharkd, as_boolean, differences, in_parallel, BOOLEANS
from packets import Capture, Talk

SEED = 20240229
FRAME_LINKS = re.compile(r"tcphs\.([a-z]+_frame|explain)$")
SAME_ANSWER = {
    "relative sequence numbers off": ["-o", "tcp.relative_sequence_numbers:FALSE"],
    "TCP analysis off": ["-o", "tcp.analyze_sequence_numbers:FALSE"],
    "TCP reassembly off": ["-o", "tcp.desegment_tcp_streams:FALSE"],
    "reassembly out of order": ["-o", "tcp.reassemble_out_of_order:TRUE"],
    "timestamps and bytes in flight off": ["-o", "tcp.calculate_timestamps:FALSE", "-o", "tcp.track_bytes_in_flight:FALSE"],
    "heuristics first": ["-o", "tcp.try_heuristic_first:TRUE"],
    "decode as HTTP": ["-d", "tcp.port==1-65535,http"],
    "decode as TLS": ["-d", "tcp.port==1-65535,tls"],
    "names resolved": ["-N", "mt"],
}
OFF_TOGETHER = sum((SAME_ANSWER[k] for k in ("relative sequence numbers off", "TCP analysis off", "TCP reassembly off", "decode as TLS")), [])


@pytest.fixture(scope="module")
def captures(samples, everything):
    """Each sample by itself, and all samples and lab captures in a row. Modes by the dozen run on the row alone, to keep the time."""
    return [*samples, everything]


def assert_same(host, captures, *args, pick=Frame.per_segment):
    def compare(capture):
        return differences(capture.name, host.once(capture), host.frames(capture, *args), pick)
    found = sum(in_parallel(compare, captures), [])
    assert not found, "\n".join(found)


def test_the_captures_say_something(host, captures):
    """Equal emptiness would pass every comparison below."""
    silent = [c for c in captures if not any(f.has("tcphs.id") for f in host.once(c))]
    # A capture whose TCP headers are all cut may be silent: there the host shows no checksum either.
    assert [c.name for c in silent if host.numbers(c, "tcp.checksum")] == []
    assert len(silent) < len(captures) / 10


def test_same_answer_in_every_process(host, put):
    """Copies that arrive far behind their originals, on a busy link: what a table still remembers must not hang on a seed of the process."""
    cap = Capture()
    for turn in range(4):
        flows = [Talk(cap, 1024 + turn * 1500 + i) for i in range(1500)]
        for ttl in (64, 63):
            for flow in flows:
                cap.ident = flow.port
                flow.c("S", after=10, ttl=ttl)
    path = put("copies.pcap", cap.bytes())
    runs = in_parallel(lambda _: host.frames(path), range(4))
    assert any(f.has("tcphs.copy") for f in runs[0])
    assert sum((differences(f"run {i}", runs[0], run) for i, run in enumerate(runs[1:], 1)), []) == []


@pytest.mark.parametrize("passes", [[], ["-2"]])
@pytest.mark.parametrize("mode", SAME_ANSWER)
def test_same_answer(host, everything, mode, passes):
    assert_same(host, [everything], *passes, *SAME_ANSWER[mode])


@pytest.mark.trust
@pytest.mark.parametrize("options", [["-2"], OFF_TOGETHER], ids=["two passes", "what can be off is off"])
def test_same_answer_on_every_sample(host, samples, options):
    assert_same(host, samples, *options)


def test_same_answer_without_ip_reassembly(host, everything):
    """Where nothing is fragmented: of fragments the host finds other segments."""
    whole = host.output("whole.pcapng")
    host.ts("-r", everything, "-Y", "!(ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr)", "-w", whole)
    assert 0 < len(host.once(whole)) < len(host.once(everything))
    assert_same(host, [whole], "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE")


@pytest.mark.parametrize("display_filter", ["tcp.flags.syn == 1", "tcphs.step", "tcphs.anomaly || icmp", "tcp.checksum & 1"])
@pytest.mark.parametrize("passes", [[], ["-2"]])
def test_same_answer_under_a_display_filter(host, everything, passes, display_filter):
    shown = host.frames(everything, *passes, "-Y", display_filter)
    by_number = {f.number: f for f in host.once(everything)}
    found = differences(everything.name, [by_number[f.number] for f in shown], shown)
    assert not found, "\n".join(found)
    assert 0 < len(shown) < len(by_number)


def comparable(fields):
    """A read filter renumbers frames: what names a frame cannot be the same text."""
    return {k: v for k, v in fields.items() if not FRAME_LINKS.match(k)}


def broken_links(whole, part, number_of):
    """A link to a frame that survived the read filter must point to its new number."""
    old_time = {f.number: f.time for f in whole}
    found = []
    for a, b in part:
        for name in (n for n in a.per_segment() if n.endswith("_frame")):
            for i, target in enumerate(a.fields[name]):
                due = number_of.get(old_time.get(int(target)))
                if due and (b.fields.get(name) or [None] * 9)[i] != str(due):
                    found.append(f"frame {b.number} (once {a.number}) {name}: {b.fields.get(name)}, due {due}")
    return found


READ_FILTERS = ["tcp.checksum & 1", "frame[50:1] & 1", "!(tcp.flags.syn == 1 && tcp.flags.ack == 0)", "!(tcp.flags == 0x10)", "tcphs.stage >= 3"]


def under_read_filter(host, capture, read_filter):
    """(frames compared, frames in the capture, what is wrong)."""
    whole, part = host.once(capture), host.frames(capture, "-2", "-R", read_filter)
    unique = unique_times(whole)
    pairs = [(unique[f.time], f) for f in part if f.time in unique]
    found = []
    for a, b in pairs:
        x, y = comparable(a.per_segment()), comparable(b.per_segment())
        found += [f"{capture.name} frame {b.number} (once {a.number}) {n}: {x.get(n)} and {y.get(n)}"
                  for n in sorted(set(x) | set(y)) if x.get(n) != y.get(n)]
    links = broken_links(whole, pairs, {b.time: b.number for _, b in pairs})
    return len(pairs), len(whole), found[:8] + [f"{capture.name} {link}" for link in links[:4]]


@pytest.mark.parametrize("alone", [False, pytest.param(True, marks=pytest.mark.trust)], ids=["all in a row", "each by itself"])
@pytest.mark.parametrize("turn,read_filter", list(enumerate(READ_FILTERS)))
def test_same_answer_under_a_read_filter(host, samples, everything, turn, read_filter, alone):
    """Frames go, about half by the first two filters, and their numbers with them: they are matched by their time stamps, where
    these are unique. By themselves each filter takes another part of the samples."""
    captures = samples[turn::len(READ_FILTERS)] if alone else [everything]
    results = in_parallel(lambda capture: under_read_filter(host, capture, read_filter), captures)
    found = sum((r[2] for r in results), [])
    assert not found, "\n".join(found)
    kept, total = sum(r[0] for r in results), sum(r[1] for r in results)
    assert 0 < kept < total


def unique_times(frames):
    seen = {}
    for f in frames:
        seen.setdefault(f.time, []).append(f)
    return {t: fs[0] for t, fs in seen.items() if len(fs) == 1}


def test_same_answer_from_sharkd_in_any_order(host, everything):
    """After its load the connections are final. (Sample by sample: test_golden.)"""
    with Sharkd(host) as sharkd:
        visited = sharkd.frames(everything, SEED)
    assert differences(everything.name, host.once(everything), visited) == []
    assert differences(everything.name, host.once(everything, "-2"), visited, Frame.per_connection) == []


def test_sharkd_filters_agree_with_tshark(host, captures):
    found = []
    for capture in captures[-3:]:
        with Sharkd(host) as sharkd:  # a new one each: 4.0 keeps the results of a filter beyond the file they are of
            sharkd.load(capture)
            for wanted in ("tcphs.step == 3", "tcphs.stage == 2", "tcphs.anomaly", "tcphs.rst.kind"):
                got = [f["num"] for f in sharkd.ask("frames", filter=wanted)]
                due = host.numbers(capture, wanted)
                if got != due:
                    found.append(f"{capture.name} {wanted}: sharkd {len(got)} frames, tshark {len(due)}")
    assert not found, "\n".join(found)


def column(host, capture, names, *args):
    """-T fields builds no visible tree, which is another path through the host than -T json."""
    wanted = [x for n in names for x in ("-e", n)]
    rows = host.lines("-r", capture, *args, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f", "-e", "frame.number", *wanted)
    frames = []
    for row in rows:
        cells = row.split("\t")
        fields = {n: c.split("\x1f") for n, c in zip(names, cells[1:]) if c}
        frames.append(Frame(int(cells[0]), None, {n: [as_boolean(v) for v in c] if n in BOOLEANS else c for n, c in fields.items()}))
    return frames


@pytest.mark.parametrize("passes", [[], ["-2"]])
def test_same_answer_without_a_visible_tree(host, everything, declared, passes):
    """Presence fields have no value to compare there, the others do."""
    names = [n for n, t in declared.items() if not n.startswith(("tcphs.conn.", "tcphs.expert."))]
    marks = {n for n in names if declared[n][1] == "FT_NONE"}

    def pick(frame):
        return {n: len(v) if n in marks else v for n, v in frame.fields.items() if n in names}

    found = differences(everything.name, host.once(everything), column(host, everything, names, *passes), pick)
    assert not found, "\n".join(found)


def printed_tree(host, capture, titles, *args):
    """The lines of the printed tcphs trees, without the root (it names the verdict) and the per-connection lines."""
    kept, inside = [], False
    for line in host.lines("-r", capture, *args):
        if not line.startswith(" "):
            inside = "TCP Handshake Analysis" in line
            kept.append(line if line.startswith("Frame ") else "root" if inside else "")
        elif inside and not line.strip(" [").startswith(titles):
            kept.append(line)
    return [k for k in kept if k]


def test_printed_tree_is_the_same_in_both_passes(host, everything, declared):
    """-V prints the rendered labels: units, enumeration strings, expert infos."""
    titles = tuple(t[0] for n, t in declared.items() if n.startswith("tcphs.conn."))
    once, twice = in_parallel(lambda args: printed_tree(host, everything, titles, "-V", *args), ([], ["-2"]))
    assert "root" in once
    # Frame lines carry the host's own numbers of bytes only; they anchor the comparison to frames.
    assert [f"{a.strip()!r} and {b.strip()!r}" for a, b in zip(once, twice) if a != b][:8] == [] and len(once) == len(twice)


def test_the_summary_line_is_the_hosts_own(host, everything):
    """With its Info column preference off, tcphs leaves the packet list as it was."""
    assert host.lines("-r", everything) == host.lines("-r", everything, "--disable-protocol", "tcphs")


@pytest.mark.parametrize("protocol", ["tcp", "tcphs"])
@pytest.mark.parametrize("passes", [[], ["-2"]])
def test_disabled_protocol_shows_nothing(host, everything, protocol, passes):
    frames = host.frames(everything, *passes, "--disable-protocol", protocol)
    assert len(frames) == len(host.once(everything))
    assert [f.number for f in frames if f.fields] == []


def test_final_says_whether_a_full_pass_is_behind(host, captures):
    for args, due, of_these in (((), "0", captures), (("-2",), "1", captures[-1:])):
        for capture in of_these:
            said = {v for f in host.once(capture, *args) if f.per_connection() for v in f.fields["tcphs.conn.final"]}
            assert said <= {due}, f"{capture.name} {args}"
        assert said, "the last of them says something"


def test_first_pass_verdicts_only_grow(host, everything):
    """A verdict that says established or failed for good cannot be taken back in silence: the last segment knows the final one."""
    last = {}
    for frame in host.once(everything):
        for number, verdict in zip(frame.fields.get("tcphs.id", []), frame.fields.get("tcphs.conn.verdict", [])):
            last[number] = (frame.number, verdict)
    final = {f.number: f for f in host.once(everything, "-2")}
    for number, (frame, verdict) in last.items():
        due = final[frame].fields["tcphs.conn.verdict"]
        # A first pass is still in the handshake where the capture ends: pending there, judged after it.
        assert verdict in due or verdict == "11", f"connection {number} frame {frame}: {verdict}, then {due}"


def test_a_cut_header_without_ip_does_not_end_the_run(host, put):
    """TCP that no IP header stands before."""
    cap = Capture()
    talk = Talk(cap, 40001)
    talk.open()
    tags = struct.pack("!HH4sI", 12, 4, b"tcp\0", 0) + b"\x12\x34\x00\x50"  # the dissector's name, the end of the tags, four bytes of a header
    blocks = [struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)]
    blocks += [struct.pack("<IIHHII", 1, 20, link, 0, 0, 20) for link in (252, 1)]
    for interface, data in [(0, tags)] + [(1, kept) for _when, kept, _length in cap.frames]:
        size = 32 + len(data) + -len(data) % 4
        blocks.append(struct.pack("<IIIIIII", 6, size, interface, 0, 1, len(data), len(data)) + data + b"\0" * (-len(data) % 4) + struct.pack("<I", size))
    path = put("export.pcapng", b"".join(blocks))
    assert [f.fields.get("tcphs.step") for f in host.once(path)] == [None, ["1"], ["2"], ["3"]]
