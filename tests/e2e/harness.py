"""Runs tshark, sharkd and the capture tools with the plugin in a home of its own, and reads their output back as plain values.

Leaves to others: what the values ought to be (the tests) and how a capture is made (packets.py).
"""
import concurrent.futures
import json
import os
import random
import re
import resource
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

NOBODY = 65534
PATIENCE = 600  # seconds until a program is said to hang; on a busy machine the slowest take a minute
ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample-captures"
LAB = ROOT.parent / "shared" / "lab"
SCORE = ROOT.parent / "shared" / "tools" / "score"
BOOLEANS = {"tcphs.accepted", "tcphs.conn.final", *(f"tcphs.agreed.{option}" for option in ("window_scale", "sack", "timestamps", "ecn", "mptcp"))}
SEVERAL_GB = 6 << 30
TREE_LAYERS = "frame tcphs"


class Pairs(list):
    """A JSON object that keeps repeated keys: tshark repeats a key for every occurrence of a field."""


def as_boolean(text):
    """One spelling for what 4.0 writes as 1 and later versions as True."""
    return {"1": "1", "true": "1", "0": "0", "false": "0"}[text.lower()]


def remember(fields, name, value):
    if name.startswith("tcphs."):
        fields.setdefault(name, []).append(as_boolean(value) if name in BOOLEANS else value)


def flatten(pairs, fields):
    """Collects every tcphs field below a JSON object; a field without a value counts as ''."""
    for name, value in pairs:
        if isinstance(value, Pairs):
            if not name.endswith("_tree"):
                remember(fields, name, "")
            flatten(value, fields)
        elif isinstance(value, list):
            for one in value:
                flatten([(name, one)], fields)
        else:
            remember(fields, name, value or "")
    return fields


class Frame:
    """What one frame showed: its number, its time stamp as text, and its tcphs fields as lists in order of appearance."""

    def __init__(self, number, time, fields):
        self.number, self.time, self.fields = number, time, fields

    @classmethod
    def from_json(cls, packet):
        layers = dict(dict(packet)["_source"])["layers"]
        frame = dict(dict(layers)["frame"])
        return cls(int(frame["frame.number"]), frame["frame.time_epoch"], flatten(layers, {}))

    def one(self, name):
        """The only value of a field of this frame, or None."""
        values = self.fields.get(name, [None])
        assert len(values) == 1, f"frame {self.number}: {name} occurs {len(values)} times: {values}"
        return values[0]

    def has(self, name):
        return name in self.fields

    def in_the_tree(self):
        """Without tcphs.anomalies, which says again what tcphs.anomaly.* say and is hidden in the tree: sharkd does not show it."""
        return {k: v for k, v in self.fields.items() if k != "tcphs.anomalies"}

    def per_segment(self):
        return {k: v for k, v in self.in_the_tree().items() if not k.startswith("tcphs.conn.")}

    def per_connection(self):
        return {k: v for k, v in self.fields.items() if k.startswith("tcphs.conn.")}


def differences(label, left, right, pick=Frame.per_segment, limit=8):
    """Says in words where two runs over the same frames disagree; an empty list is agreement."""
    found = []
    if [f.number for f in left] != [f.number for f in right]:
        found.append(f"{label}: frame numbers differ ({len(left)} and {len(right)} frames)")
    for a, b in zip(left, right):
        x, y = pick(a), pick(b)
        for name in sorted(set(x) | set(y)):
            if x.get(name) != y.get(name):
                found.append(f"{label} frame {a.number} {name}: {x.get(name)} and {y.get(name)}")
    return found[:limit] + ([f"{label}: {len(found) - limit} more"] if len(found) > limit else [])


class Host:
    """One Wireshark installation with the plugin in the personal folder of a home made for this test session."""

    preload = os.environ.get("TCPHS_PRELOAD")  # the run time of a sanitizer the plugin was built with: Debian's programs come without

    def __init__(self, plugin, tshark, sharkd, wireshark):
        self.plugin, self.tshark, self.sharkd, self.wireshark = Path(plugin), tshark, sharkd, wireshark
        self.home = Path(tempfile.mkdtemp(prefix="tcphs-e2e-"))
        self.give_away(self.home)
        self.env = self.make_env()
        self.caches, self.lock, self.installed = {}, threading.Lock(), None
        self.version = self.ask_version()

    def make_env(self):
        drop = ("XDG_CONFIG_HOME", "WIRESHARK_PLUGIN_DIR", "WIRESHARK_CONFIG_DIR", "WIRESHARK_RUN_FROM_BUILD_DIRECTORY")
        env = {k: v for k, v in os.environ.items() if k not in drop}
        # An empty global plugin folder: a tcphs.so that is installed on this machine must not be the one that is tested.
        env = dict(env, HOME=str(self.home), LC_ALL="C.UTF-8", TZ="UTC", WIRESHARK_PLUGIN_DIR=str(self.home / "no-plugins"))
        return dict(env, PATH=f"{self.wrap()}:{env['PATH']}") if self.preload else env

    def wrap(self):
        """A folder of scripts that start the programs with the sanitizer's run time. Nobody else gets it: mergecap and editcap hang at
        their start with it."""
        folder = self.folder("wrapped")
        preload = ":".join(self.readable(Path(name), folder) for name in self.preload.split(":"))
        for kind in ("tshark", "sharkd", "wireshark"):
            program = shutil.which(getattr(self, kind))
            if program:
                script = folder / kind
                script.write_text(f'#!/bin/sh\nLD_PRELOAD={preload} exec {program} "$@"\n')
                script.chmod(0o755)
                setattr(self, kind, str(script))
        return folder

    @staticmethod
    def readable(source, folder):
        """A copy in a folder of ours: the checkout may be private, and a path for LD_PRELOAD has no spaces."""
        target = folder / source.name
        shutil.copyfile(source, target)
        target.chmod(0o755)
        return str(target)

    def ask_version(self):
        text = self.run(self.tshark, "--version").stdout
        found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
        assert found, f"no version in: {text[:200]}"
        return tuple(int(x) for x in found.groups())

    def give_away(self, path):
        """Readable and writable for the unprivileged user, whatever umask and owner the caller has."""
        path.chmod(0o755)
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def folder(self, *parts):
        path = self.home
        for part in parts:
            path = path / part
            path.mkdir(exist_ok=True)
            self.give_away(path)
        return path

    def install(self):
        assert self.plugin.is_file(), f"no plugin at {self.plugin}: build it, or set TCPHS_PLUGIN"
        folder = self.folder(".local", "lib", "wireshark", "plugins", "{}.{}".format(*self.version), "epan")
        self.installed = folder / "tcphs.so"
        shutil.copyfile(self.plugin, self.installed)
        self.installed.chmod(0o755)

    def assert_loaded(self):
        """A plugin that is silently not loaded would make every comparison of runs succeed."""
        listing = self.run(self.tshark, "-G", "plugins")
        rows = [row.split("\t") for row in listing.stdout.splitlines() if row.startswith("tcphs.so")]
        assert rows, f"tshark {self.version} does not list tcphs.so: {listing.stderr}"
        assert rows[0][3].startswith(str(self.home)), f"another tcphs.so is loaded: {rows[0][3]}"
        assert re.match(r"\d+\.\d+", rows[0][1]), f"no version: {rows[0]}"
        return rows[0]

    def drop(self):
        """Root and group 0 make Wireshark ignore personal plugins; a runaway allocation must fail, not take the machine down."""
        if not self.preload:  # AddressSanitizer takes terabytes of addresses
            resource.setrlimit(resource.RLIMIT_AS, (SEVERAL_GB, SEVERAL_GB))
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    def run(self, *args, timeout=PATIENCE, env=None):
        return subprocess.run([str(a) for a in args], env=env or self.env, preexec_fn=self.drop, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", cwd=self.home)

    def ts(self, *args, ok=(0,), **more):
        done = self.run(self.tshark, "-n", *args, **more)
        assert done.returncode in ok, f"tshark {' '.join(map(str, args))}: exit {done.returncode}: {done.stderr[-800:]}"
        return done

    def lines(self, *args, **more):
        return self.ts(*args, **more).stdout.splitlines()

    def glossary(self, kind):
        """Rows of tshark -G that name tcphs; -G must be the first option, and prints millions of others."""
        done = self.run(self.tshark, "-G", kind)
        assert done.returncode == 0 and done.stdout, f"-G {kind}: {done.stderr}"
        return [row.split("\t") for row in done.stdout.split("\n") if "tcphs" in row]

    def numbers(self, capture, display_filter, *args):
        """Frame numbers that pass a display filter."""
        return [int(x) for x in self.lines("-r", capture, "-Y", display_filter, *args, "-T", "fields", "-e", "frame.number")]

    def frames_and_rows(self, *args, ok=(0,)):
        """Of one run: the frames, and the lines of the JSON reports that follow them."""
        text = self.ts(*args, "-T", "json", "-J", TREE_LAYERS, ok=ok).stdout.lstrip()
        packets, end = json.JSONDecoder(object_pairs_hook=Pairs).raw_decode(text) if text else ([], 0)
        return [Frame.from_json(p) for p in packets], [json.loads(line) for line in text[end:].splitlines() if line.startswith("{")]

    def frames(self, capture, *args, ok=(0,)):
        return self.frames_and_rows("-r", capture, *args, ok=ok)[0]

    def once(self, capture, *args):
        """frames(), kept: most tests compare with the same plain runs."""
        key = (str(capture), args)
        if key not in self.caches:
            value = self.frames(capture, *args)
            with self.lock:
                self.caches[key] = value
        return self.caches[key]

    def place(self, source, name=None):
        """A copy that the unprivileged user can read, even where the checkout or the tmp_path is private."""
        target = self.folder("captures") / (name or source.name)
        if not target.exists():
            shutil.copyfile(source, target)
            target.chmod(0o644)
        return target

    def output(self, name):
        """A path in a folder the unprivileged user may write."""
        return self.folder("output") / name

    def tool(self, name):
        """A capture tool of the same installation as tshark, where it has one."""
        beside = Path(shutil.which(self.tshark) or self.tshark).parent / name
        return str(beside) if beside.exists() else shutil.which(name)

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)


def chosen():
    """The programs under test, as Host takes them."""
    ask = os.environ.get
    return {"plugin": ask("TCPHS_PLUGIN", ROOT / "build" / "plugin" / "tcphs.so"), "tshark": ask("TCPHS_TSHARK", "tshark"),
            "sharkd": ask("TCPHS_SHARKD", "sharkd"), "wireshark": ask("TCPHS_WIRESHARK", "wireshark")}


def installed(kind=Host, **other):
    """Body of a fixture: an installation that is sure to have the plugin, for as long as the tests need it."""
    made = kind(**{**chosen(), **other})
    try:
        made.install()
        made.assert_loaded()
        yield made
    finally:
        made.close()


def resident(pid):
    """Bytes of memory that a process occupies."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024


def in_parallel(work, items):
    """Maps over threads: each item is a child process, so that two cores halve the time."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))


class Sharkd:
    """sharkd driven over its standard input: one JSON-RPC request a line, one answer a line."""

    def __init__(self, host, env=None):
        self.errors = open(host.output(f"sharkd-{id(self)}.err"), "w+")
        self.process = subprocess.Popen([host.sharkd, "-"], env=env or host.env, preexec_fn=host.drop, text=True, errors="replace",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, cwd=host.home)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.errors.close()

    def reply(self, method, **params):
        """The answer as it comes: with "result", or with "error"."""
        self.count += 1
        request = {"jsonrpc": "2.0", "id": self.count, "method": method, "params": params}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"sharkd died on {method} {params}, exit {self.process.poll()}: {self.stderr()[-800:]}"
        return json.loads(line)

    def ask(self, method, **params):
        answer = self.reply(method, **params)
        assert "result" in answer, f"sharkd: {method} {params}: {answer.get('error')}"
        return answer["result"]

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()

    def load(self, capture):
        assert self.ask("load", file=str(capture))["status"] == "OK"
        return self.ask("status")["frames"]

    def frames(self, capture, seed):
        """All frames of a capture, asked for in an order drawn by seed, in their own order."""
        order = list(range(1, self.load(capture) + 1))
        random.Random(seed).shuffle(order)
        return sorted((self.frame(n) for n in order), key=lambda f: f.number)

    def frame(self, number):
        tree = self.ask("frame", frame=number, proto=True)["tree"]
        return Frame(number, None, read_nodes(tree, {}))


def read_nodes(nodes, fields):
    """sharkd gives the filter of every tree item ('tcphs.stage == 3'), which holds the field's raw value."""
    for node in nodes:
        name, equals, value = node.get("f", "").partition(" == ")
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        remember(fields, name, value)
        read_nodes(node.get("n", []), fields)
    return fields
