"""Living with others: other post-dissectors before and after, preferences changed while a file is open, files one after another, captures
under way, clocks that go backwards. In each, what tcphs says of a segment is what it says alone.

Leaves to others: the modes of one program by itself (tests/e2e/test_modes.py) and Wireshark's window (tests/e2e/test_window.py).
"""
import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness import NOBODY, PATIENCE, SAMPLES, Frame, Pairs, Sharkd, differences
from packets import Capture, Talk, pcap_bytes, read_pcap

HERE = Path(__file__).parent
LAYERS = "frame tcphs"
SECOND = 10**9


def as_frames(done):
    return [Frame.from_json(p) for p in json.loads(done.stdout, object_pairs_hook=Pairs)]


@pytest.fixture(scope="module")
def row(host, samples):
    """Every fourth sample and the busiest ones in a row: enough kinds of segments, for runs by the dozen."""
    target = host.output("row.pcapng")
    chosen = sorted({*samples[::4], *(s for s in samples if s.name in ("showcase.pcapng", "syn-flood.pcap", "loss-and-reorder.pcap"))})
    done = host.run(host.tool("mergecap"), "-a", "-F", "pcapng", "-w", target, *chosen)
    assert done.returncode == 0, done.stderr
    return target


# Other post-dissectors


def global_plugins(host):
    """The folder of the host's own plugins, which the environment of the tests hides."""
    env = {k: v for k, v in host.env.items() if k != "WIRESHARK_PLUGIN_DIR"}
    listed = host.run(host.tshark, "-G", "folders", env=env).stdout
    return Path(re.search(r"^Global Plugins:\s+(\S+)", listed, re.M).group(1)) / "epan"


def home_with(host, name, inner, outer):
    """An environment with some plugins in the user's folder and others in the global one: the user's are registered first."""
    version = "{}.{}".format(*host.version)
    places = [(inner, host.folder(name, ".local", "lib", "wireshark", "plugins", version, "epan")),
              (outer, host.folder(name, "global", version, "epan"))]
    for plugins, folder in places:
        for plugin in plugins:
            shutil.copyfile(plugin, folder / plugin.name)
            (folder / plugin.name).chmod(0o755)
    return dict(host.env, HOME=str(host.folder(name)), WIRESHARK_PLUGIN_DIR=str(host.folder(name, "global")))


@pytest.fixture(scope="module")
def neighbours(host):
    """(options, environment by order) of a host with TRANSUM, Community ID, MATE and a Lua post-dissector, which is always the last."""
    own = [global_plugins(host) / f"{name}.so" for name in ("mate", "transum")]
    assert all(p.exists() for p in own), f"no MATE or TRANSUM in {own[0].parent}"
    lua, mate = (host.place(HERE / name) for name in ("neighbour.lua", "neighbour.mate"))
    options = ["--enable-protocol", "transum", "--enable-protocol", "communityid", "-o", f"mate.config:{mate}", "-X", f"lua_script:{lua}"]
    return options, {"tcphs first": home_with(host, "first", [host.plugin], own), "tcphs last": home_with(host, "last", own, [host.plugin])}


ORDERS = ["tcphs first", "tcphs last"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("passes", [[], ["-2"]], ids=["one pass", "two passes"])
def test_other_post_dissectors_change_nothing(host, neighbours, row, order, passes):
    options, env = neighbours[0], neighbours[1][order]
    among = as_frames(host.ts("-r", row, *options, *passes, "-T", "json", "-J", LAYERS, env=env))
    alone = host.once(row, *(passes if passes == ["-2"] else []))
    assert differences(order, alone, among, lambda f: f.fields) == []


@pytest.mark.parametrize("order", ORDERS)
def test_the_neighbours_were_there(host, neighbours, row, order):
    """Else the tests above prove nothing. Each spoke, in the order that was asked for, and Lua read our field."""
    options, env = neighbours[0], neighbours[1][order]
    for name in ("transum", "communityid", "mate", "neighbour.seen"):
        assert host.lines("-2", "-r", row, *options, "-Y", name, "-T", "fields", "-e", "frame.number", env=env), name
    printed = host.ts("-r", host.place(SAMPLES / "showcase.pcapng"), *options, "-V", env=env).stdout
    first_frame = printed.split("\nFrame 2:")[0]
    places = [first_frame.index(tree) for tree in ("TCP Handshake Analysis", "\nMATE ", "\nA Lua post-dissector")]
    assert places == sorted(places) if order == "tcphs first" else places[1] < places[0] < places[2]
    assert "Stage seen: 1" in first_frame


@pytest.mark.parametrize("order", ORDERS)
def test_other_post_dissectors_in_sharkd(host, neighbours, row, order):
    options, env = neighbours[0], neighbours[1][order]
    due = {f.number: f for f in host.once(row, "-2")}
    with Sharkd(host, env=env) as sharkd:
        for name, value in (o.split(":", 1) for o in options if o.startswith("mate.config")):
            sharkd.ask("setconf", name=name, value=value)
        count = sharkd.load(row)
        order_of_visits = random.Random(order).sample(range(1, count + 1), min(500, count))
        seen = [sharkd.frame(n) for n in order_of_visits]
    assert differences(order, [due[f.number] for f in seen], seen, Frame.in_the_tree) == []


def test_neighbours_do_not_wake_a_disabled_tcphs(host, neighbours, samples):
    """A Lua script asks for tcphs.stage; tcphs is off, and in the next run on again."""
    options, env = neighbours[0], neighbours[1]["tcphs first"]
    showcase = next(s for s in samples if s.name == "showcase.pcapng")
    ask = ["-r", showcase, *options, "-T", "json", "-J", LAYERS, "--disable-protocol", "tcphs"]
    assert [f.number for f in as_frames(host.ts(*ask, env=env)) if f.fields] == []
    again = as_frames(host.ts(*ask[:-2], env=env))
    assert differences("enabled again", host.once(showcase), again, lambda f: f.fields) == []


# Profiles and preferences


def profile(host, name, **files):
    folder = host.folder(".config", "wireshark", "profiles", name)
    for file, text in files.items():
        (folder / file).write_text(text)
        (folder / file).chmod(0o644)
    return name


def test_a_profile_decides(host, samples):
    """One profile disables tcphs, another shows it in the Info column; the next run without a profile knows of neither."""
    showcase = next(s for s in samples if s.name == "showcase.pcapng")
    without = profile(host, "without", disabled_protos="tcphs\n")
    loud = profile(host, "loud", preferences="tcphs.info_column: TRUE\n")
    assert [f.number for f in host.frames(showcase, "-C", without) if f.fields] == []
    assert differences("loud", host.once(showcase), host.frames(showcase, "-C", loud), lambda f: f.fields) == []
    assert "[step 1]" in host.lines("-r", showcase, "-C", loud)[0]
    assert "[step 1]" not in host.lines("-r", showcase)[0]


CHANGES = [("tcphs.info_column", "TRUE"), ("tcphs.report", "json"), ("tcphs.slow_setup", "5"), ("tcp.relative_sequence_numbers", "FALSE"),
           ("tcp.analyze_sequence_numbers", "FALSE"), ("tcp.desegment_tcp_streams", "FALSE"), ("tcphs.info_column", "FALSE"),
           ("tcp.relative_sequence_numbers", "TRUE"), ("tcp.check_checksum", "TRUE")]


def test_preferences_changed_while_a_file_is_open(host, row):
    """After each change some frames are looked at, known and new ones; the file that is loaded next is read by the new preferences."""
    due = {f.number: f for f in host.once(row, "-2")}
    dice = random.Random("preferences")
    with Sharkd(host) as sharkd:
        count = sharkd.load(row)
        for name, value in CHANGES:
            sharkd.ask("setconf", name=name, value=value)
            seen = [sharkd.frame(n) for n in dice.sample(range(1, count + 1), 120)]
            found = differences(f"{name}={value}", [due[f.number] for f in seen], seen, Frame.in_the_tree)
            assert found == []


def test_preferences_of_the_next_file(host, put):
    """Zeek's ports are those of the moment when a file is read."""
    cap = Capture()
    Talk(cap, 40001, to=9999).s("PA", 1, 1, data=b"x")
    path = put("midstream.pcap", cap.bytes())
    with Sharkd(host) as sharkd:
        said = []
        for ports in ("80", "9999", "80"):
            sharkd.ask("setconf", name="tcphs.zeek_ports", value=ports)
            sharkd.load(path)
            said.append(sharkd.frame(1).one("tcphs.conn.zeek.history"))
        assert said == ["D", "^d", "D"]


# Files


def load_in_vain(sharkd, path):
    """Some versions answer the load of a damaged file and some do not; the answer to the next question ends the wait."""
    for number, method, params in ((-1, "load", {"file": str(path)}), (-2, "status", {})):
        sharkd.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 10_000 - number, "method": method, "params": params}) + "\n")
    sharkd.process.stdin.flush()
    while json.loads(sharkd.process.stdout.readline())["id"] != 10_002:
        pass


def test_files_one_after_another_in_one_sharkd(host, samples):
    """There and back, with files between that cannot be opened or are cut in the middle of a packet."""
    cut = host.output("cut.pcap")
    cut.write_bytes((SAMPLES / "syn-flood.pcap").read_bytes()[:-11])
    cut.chmod(0o644)
    chosen = samples[::4]
    found = []
    with Sharkd(host) as sharkd:
        for turn, capture in enumerate([*chosen, *reversed(chosen)]):
            if turn % 5 == 0:
                for bad in (host.output("missing.pcap"), cut):
                    load_in_vain(sharkd, bad)
            seen = [sharkd.frame(n) for n in range(1, sharkd.load(capture) + 1)]
            found += differences(capture.name, host.once(capture, "-2"), seen, Frame.in_the_tree)
    assert found == []


def moved_clock(records, at, by):
    return [r._replace(when=r.when + (by if i >= at else 0)) for i, r in enumerate(records)]


QUIET_CLOCKS = ["client-closes-first.pcap", "simultaneous-close.pcap", "half-close.pcap"]


@pytest.mark.parametrize("name", QUIET_CLOCKS)
def test_a_clock_set_back_accuses_nobody(host, name):
    """The clock of the capturing machine is put back an hour in the middle of the connection, at every frame in turn: only times differ."""
    records = read_pcap(SAMPLES / name)
    due = host.once(host.place(SAMPLES / name))
    for at in range(1, len(records)):
        path = host.output(f"clock-{at}-{name}")
        path.write_bytes(pcap_bytes(moved_clock(records, at, -3600 * SECOND)))
        path.chmod(0o644)
        seen = host.frames(path)
        assert [f.number for f in seen if f.has("tcphs.anomaly")] == [], f"clock set back at frame {at + 1}"
        found = differences(f"clock set back at frame {at + 1}", due, seen,
                            lambda f: {k: v for k, v in f.per_segment().items() if not k.startswith("tcphs.time")})
        assert found == []


def by_connection(host, capture, order):
    """Per connection (told apart by its SYN's ports): what each of its segments showed, without the numbers of frames and connections."""
    out = {}
    for frame, port in zip(host.frames(capture), host.lines("-r", capture, "-T", "fields", "-e", "tcp.port")):
        key = tuple(sorted(port.split(",")))
        shown = {k: v for k, v in frame.per_segment().items() if not re.search(r"_frame$|\.id$|explain$", k)}
        out.setdefault(key, []).append(shown)
    return {k: out[k] for k in sorted(out)} if order else out


def test_captures_in_the_wrong_order(host, put):
    """Two captures appended with the later one first: time goes backwards between them, and every connection reads as before."""
    halves = []
    for part in range(2):
        cap = Capture()
        cap.now += part * 5_000_000
        for port in range(40001 + 10 * part, 40006 + 10 * part):
            talk = Talk(cap, port)
            talk.open(), talk.c("PA", 1, 1, data=b"x" * 10), talk.s("A", 1, 11), talk.s("RA" if port % 2 else "FA", 1, 11)
        halves.append(put(f"half-{part}.pcap", cap.bytes()))
    told = []
    for name, order in (("forward", halves), ("backward", halves[::-1])):
        merged = host.output(f"{name}.pcap")
        done = host.run(host.tool("mergecap"), "-a", "-F", "pcap", "-w", merged, *order)
        assert done.returncode == 0, done.stderr
        told.append(by_connection(host, merged, True))
    assert told[0] == told[1] and len(told[0]) == 10


# Captures under way


def live(host, capture, *options, pace=0):
    """tshark reading a capture from a pipe as if from an interface: (frame number, fields) as they are printed."""
    ask = ["-n", "-l", "-i", "-", *options, "-T", "fields", "-E", "occurrence=a", *(x for n in SHOWN for x in ("-e", n))]
    with subprocess.Popen([host.tshark, *ask], env=host.env, preexec_fn=host.drop, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=False, cwd=host.home) as program:
        content = capture.read_bytes()
        for start in range(0, len(content), 4096):
            program.stdin.write(content[start:start + 4096])
            program.stdin.flush()
            time.sleep(pace)
        program.stdin.close()
        program.stdin = None
        said, errors = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, errors[-800:]
    return said.decode().splitlines()


SHOWN = ("frame.number", "tcphs.id", "tcphs.stage", "tcphs.step", "tcphs.close_step", "tcphs.client.state", "tcphs.server.state", "tcphs.event",
         "tcphs.syn_frame", "tcphs.rst.kind", "tcphs.explain", "tcphs.conn.verdict")


def columns(host, capture):
    return host.lines("-r", capture, "-T", "fields", "-E", "occurrence=a", *(x for n in SHOWN for x in ("-e", n)))


@pytest.fixture(scope="module")
def traffic(host):
    """Five samples in a row, as one plain pcap that a pipe can carry."""
    target = host.output("traffic.pcap")
    names = ("client-closes-first", "syn-flood", "loss-and-reorder", "rst-challenged", "half-close")
    done = host.run(host.tool("mergecap"), "-a", "-F", "pcap", "-w", target, *(host.place(SAMPLES / f"{n}.pcap") for n in names))
    assert done.returncode == 0, done.stderr
    return target


def test_a_live_capture_reads_as_its_file(host, traffic):
    assert live(host, traffic, pace=0.02) == columns(host, traffic)


def ring(host, name):
    folder = host.folder("ring-" + name)
    return folder, folder / "part.pcapng"


def test_file_switching_begins_anew(host, traffic):
    """With -b tshark ends its dissection with each file and begins another: live, each segment reads as in its own file by itself."""
    folder, target = ring(host, "pipe")
    said = live(host, traffic, "-b", "packets:20", "-w", target, "-P")
    parts = sorted(folder.glob("part*"))
    assert len(parts) > 5
    assert said == [line for part in parts for line in columns(host, part)]


CAPABLE = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--inh-caps", "+net_raw,+net_admin", "--ambient-caps",
           "+net_raw,+net_admin"]
REPLAY = """
import socket, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from packets import read_pcap
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("far", 0))
for record in read_pcap(Path(sys.argv[2])):
    wire.send(record.data.ljust(60, b"\\0"))
    time.sleep(0.002)
"""


@pytest.fixture
def namespace():
    """A network namespace with a cable that nothing else uses: what goes in at one end comes out at the other."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("setpriv"):
        pytest.skip("needs root, iproute2 and setpriv")
    name = f"tcphs-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")
    try:
        for command in ("add near type veth peer name far", "set near up", "set far up"):
            if subprocess.run(["ip", "-n", name, "link", *command.split()], capture_output=True, check=False).returncode:
                pytest.skip("no veth interfaces here")
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)


def test_a_live_interface_with_file_switching(host, namespace, traffic):
    """As above on a real interface, with the rights to capture and without root."""
    folder, target = ring(host, "interface")
    ask = [host.tshark, "-n", "-l", "-i", "near", "-f", "tcp", "-b", "packets:20", "-w", str(target), "-P", "-T", "fields", "-E", "occurrence=a",
           *(x for n in SHOWN for x in ("-e", n))]
    errors = host.output("live.err")
    with errors.open("w") as log, subprocess.Popen(["ip", "netns", "exec", namespace, *CAPABLE, *ask], env=host.env, stdout=subprocess.PIPE,
                                                   stderr=log, text=True, cwd=host.home) as program:
        deadline = time.monotonic() + PATIENCE
        while not list(folder.glob("part*")) and time.monotonic() < deadline and program.poll() is None:    # made when it captures
            time.sleep(0.1)
        replay = ["ip", "netns", "exec", namespace, "python3", "-c", REPLAY, str(HERE.parent / "e2e"), str(traffic)]
        assert subprocess.run(replay, check=False).returncode == 0, errors.read_text()[-800:]
        said = [program.stdout.readline().rstrip("\n") for _ in read_pcap(traffic)]
        program.terminate()
        said += program.communicate(timeout=PATIENCE)[0].splitlines()
    parts = sorted(folder.glob("part*"))
    assert len(parts) > 5, errors.read_text()[-800:]
    assert said == [line for part in parts for line in columns(host, part)]
