"""Damaged captures through real sharkd and tshark with a plugin built with AddressSanitizer and UndefinedBehaviorSanitizer.

One sharkd reads thousands of captures one after the other; each is a file of its own. A finding keeps the capture that it is about.
"""
import json
import random
import re

import pytest

import draws
import harness
from damage import Damager

ASKED = "tcphs.explain || tcphs.conn.zeek.history || tcphs.conn.verdict"  # needs nearly all that tcphs can show
REPORTS = ("nstat:tcphs,conn", "nstat:tcphs,server", "nstat:tcphs,client", "stat:tcphs")
FILES, FILES_PER_SHARKD = 5000, 5000  # damaged captures in the short form
COMPARISONS = 10  # … and runs of the test that joins captures
CHECKSUMS = ("tcp.check_checksum", "ip.check_checksum")
UNEQUAL = {"file"}  # what cannot be joined
COMPARED = 60  # captures joined for one comparison of the two passes, each with other preferences of the host
SETTINGS = ((), ("-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"), (), ("-o", "tcp.desegment_tcp_streams:FALSE"),
            (), ("-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.analyze_sequence_numbers:FALSE"))
OURS = re.compile(r"tcphs|Sanitizer|runtime error|dissector bug|assert|critical", re.I)
# What sharkd itself writes: each request, and what wiretap says of a broken file.
HOSTS_OWN = re.compile(r"^load: filename=|^sharkd: |^Hello in child|^\(sharkd:\d+\)")
HOSTS_BUG = re.compile(r"Dissector bug, protocol (?!TCPHS\b)")  # 4.0 has one in its Multipath TCP


class Reader:
    """A sharkd that is asked about one capture after the other. It gives no answer at all to the load of some broken files."""

    def __init__(self, host, preferences=()):
        self.host, self.sharkd, self.files, self.said = host, harness.Sharkd(host), 0, 0
        for name in preferences:
            self.sharkd.ask("setconf", name=name, value="TRUE")

    def ask_all(self, requests):
        """Sends requests at once and returns the answers that came, by number; the last is always answered."""
        s, numbers = self.sharkd, []
        for method, params in requests:
            s.count += 1
            numbers.append(s.count)
            s.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": s.count, "method": method, "params": params}) + "\n")
        s.process.stdin.flush()
        answers = {}
        while numbers[-1] not in answers:
            line = s.process.stdout.readline()
            assert line, f"sharkd died, exit {s.process.wait(30)}: {s.stderr()[-6000:]}"
            answer = json.loads(line)
            answers[answer["id"]] = answer
        return [answers.get(n) for n in numbers]

    def read(self, path, rng):
        """Loads a capture, asks for all its fields by a filter, for the whole tree of some frames, and now and then for the reports."""
        self.files += 1
        requests = [("load", {"file": str(path)}), ("frames", {"filter": ASKED}), *(("frame", {"frame": rng.randint(1, 12), "proto": True}) for _ in range(3))]
        if rng.random() < 0.05:
            requests.append(("tap", {f"tap{i}": name for i, name in enumerate(REPORTS)}))
        answers = self.ask_all([*requests, ("status", {})])
        assert "result" in answers[-1], answers[-1]
        wrong = self.new_errors()
        assert not wrong, wrong[:10]
        return answers[-1]["result"]["frames"]

    def new_errors(self):
        """What of the errors since the last time is ours: they are of the capture read since then."""
        with open(self.sharkd.errors.name, errors="replace") as errors:
            errors.seek(self.said)
            lines = errors.read().splitlines()
            self.said = errors.tell()
        return [line for line in lines if OURS.search(line) and not HOSTS_OWN.match(line) and not HOSTS_BUG.search(line)]

    def close(self):
        """Ends sharkd in good order."""
        self.sharkd.process.stdin.close()
        status, wrong = self.sharkd.process.wait(harness.PATIENCE), self.new_errors()
        assert status == 0 and not wrong, f"at its end: exit {status}: {wrong[:10]} {self.sharkd.stderr()[-6000:] if status else ''}"


@pytest.fixture
def made(sanitized_host):
    """Writes a damaged capture where sharkd can read it."""
    path = sanitized_host.folder("damaged") / "damaged.pcap"

    def write(content):
        path.write_bytes(content)
        path.chmod(0o644)
        return path
    return write


def keep(content, label):
    target = harness.ROOT / "build" / f"finding-{label}.pcap"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content)
    return target


def read_all(host, captures, made, preferences=()):
    """Reads (label, content) of each capture, by a new sharkd after every FILES_PER_SHARKD; returns how many files and frames.
    preferences: those that are switched on."""
    reader, files, frames = Reader(host, preferences), 0, 0
    for label, content in captures:
        try:
            frames += reader.read(made(content), random.Random(label))
        except AssertionError as finding:
            raise AssertionError(f"capture kept as {keep(content, label)}: {finding}") from None
        files += 1
        if files % FILES_PER_SHARKD == 0:
            reader.close()
            reader = Reader(host, preferences)
    reader.close()
    return files, frames


@pytest.mark.parametrize("preferences,share", [((), 0.7), (CHECKSUMS, 0.3)], ids=["as it comes", "checksums verified"])
def test_damaged_captures(sanitized_host, healthy, made, preferences, share):
    damager, seed = Damager(healthy), draws.seed()
    captures = ((f"{seed}-{n}", damager.make(seed, n)[0]) for n in draws.turns(int(FILES * share), share))
    files, frames = read_all(sanitized_host, captures, made, preferences)
    print(f"{files} damaged captures, {frames} frames, seed {seed}")
    assert frames > files, "nothing was tried"


def test_captures_damaged_by_editcap(sanitized_host, host, made):
    """editcap's own -E on all samples in a row, cut into files of 20 frames."""
    folder, found = host.folder("noisy"), []
    merged = host.output("merged.pcap")
    assert host.run(host.tool("mergecap"), "-a", "-F", "pcap", "-w", merged, *[host.place(p) for p in harness.SAMPLES.glob("*.pcap")]).returncode == 0
    for share in ("0.002", "0.02", "0.2"):
        done = host.run(host.tool("editcap"), "--seed", sum(map(ord, draws.seed())), "-E", share, "-c", 20, merged, folder / f"e{share}.pcap")
        assert done.returncode == 0, done.stderr
    found = sorted(folder.glob("*.pcap"))
    assert len(found) > 100
    files, _ = read_all(sanitized_host, [(p.name, p.read_bytes()) for p in found], made)
    assert files == len(found)


def joined(damager, seed, numbers):
    """Damaged captures as one pcap file, and how many they are: those that are no pcap of the first one's link type are left out. Times
    stay as they are: what follows on the same ports is a new trouble."""
    made = [damager.make(seed, n) for n in numbers]
    captures = [content for content, done in made if not UNEQUAL & set(done.split("+"))]
    head = next(c for c in captures if c[:4] == b"\x4d\x3c\xb2\xa1")[:24]
    captures = [c[24:] for c in captures if c[:24] == head]
    return head + b"".join(captures), len(captures)


def test_both_passes_agree_on_damaged_captures(host, healthy):
    """Nonsense too gives the same fields once and twice read, and no word from us on stderr."""
    damager, seed = Damager(healthy), draws.seed()
    path = host.folder("damaged") / "joined.pcap"
    for turn in draws.turns(COMPARISONS, 1 / 3):
        number, settings = turn * COMPARED, SETTINGS[turn % len(SETTINGS)]
        content, _ = joined(damager, f"{seed}-compared", range(number, number + COMPARED))
        path.write_bytes(content)
        path.chmod(0o644)
        runs = [host.ts("-r", path, *settings, *more, "-T", "json", "-J", harness.TREE_LAYERS, ok=(0, 2))
                for more in ([], ["-2"])]
        said = [line.replace(str(path), "") for r in runs for line in r.stderr.splitlines() if not HOSTS_BUG.search(line)]
        assert not [line for line in said if OURS.search(line)]
        once, twice = ([harness.Frame.from_json(p) for p in json.loads(r.stdout or "[]", object_pairs_hook=harness.Pairs)] for r in runs)
        wrong = harness.differences("once and twice", once, twice)
        assert not wrong, f"capture kept as {keep(content, f'compared-{seed}-{number}')}, read with {settings}: {wrong}"
        assert any(f.fields for f in once)
