"""What must hold for any conversations in any capture, tried on thousands of them in real tshark and sharkd.

Leaves to others: the core by itself (tests/unit/test_properties.c), named captures (tests/e2e). A failure prints the smallest
conversation that Hypothesis found, in the notation of tests/scripts.
"""
import re
import uuid

import pytest

hypothesis = pytest.importorskip("hypothesis")
pytest.importorskip("scapy")

from hypothesis import strategies as st     # noqa: E402

import draws     # noqa: E402
import strategies     # noqa: E402
from harness import Frame, Sharkd, differences     # noqa: E402
from peers import CLIENT     # noqa: E402
from wires import SERVER_PORTS, ZEEK_PORTS, SECOND, Capture, anomalies, read_aloud, stories, wire     # noqa: E402

PROPERTIES = 9
ESTABLISHED, NO_ANSWER = "1", "2"       # tcphs.conn.verdict
FAILURES = {str(n) for n in range(2, 10)}
COUNTED = {"conversations": 0, "segments": 0}


def holds(examples, batches=strategies.any_batches()):
    """Runs a test on drawn batches: so many of the same ones each time, or others as the environment says (tests/robustness/draws.py)."""
    settings = hypothesis.settings(max_examples=examples, deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
                                   suppress_health_check=list(hypothesis.HealthCheck))

    def wrap(test):
        def run(host):
            @settings
            @hypothesis.given(batches, st.randoms(use_true_random=False))
            def tried(conversations, dice):
                test(host, conversations, dice)
            for turn in draws.turns(1, 1 / PROPERTIES):
                hypothesis.seed(f"{draws.seed()}/{turn}")(tried)()
        run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
        return run
    return wrap


@pytest.fixture(scope="module", autouse=True)
def say_how_much(request):
    yield
    writer = request.config.pluginmanager.get_plugin("terminalreporter")
    if writer:
        writer.write_line(f"\n{COUNTED['conversations']} conversations, {COUNTED['segments']} segments")


def write(host, capture):
    path = host.folder("properties") / f"{uuid.uuid4().hex}.pcap"
    path.write_bytes(capture.bytes())
    path.chmod(0o644)
    return path


def tell(host, conversations, wires=None, shift=0, args=()):
    """The stories of the conversations, in one run of tshark."""
    capture = Capture(conversations, wires or [wire(n) for n in range(len(conversations))], shift)
    path = write(host, capture)
    COUNTED["conversations"] += len(conversations)
    COUNTED["segments"] += len(capture.places)
    try:
        told = stories(host.frames(path, *args), capture.places)
    finally:
        path.unlink()
    assert sum(map(len, told.values())) == len(capture.places), "not every frame was read"
    return told


def unlike(left, right, ignore=lambda name: False):
    """(conversation, index, field, both values) of every difference."""
    found = []
    for number in left:
        for index, fields in left[number].items():
            other = right[number][index]
            found += [(number, index, name, fields.get(name), other.get(name)) for name in sorted(set(fields) | set(other))
                      if fields.get(name) != other.get(name) and not ignore(name)]
    return found


def check(found, conversations):
    if found:
        numbers = sorted({f[0] for f in found})[:2]
        pytest.fail("\n".join([str(f) for f in found[:6]] + [f"conversation {n}:\n{read_aloud(conversations[n])}" for n in numbers]))


# The place of a conversation in the capture


@holds(6)
def test_together_as_alone(host, conversations, dice):
    """Interleaved, and one after the other with an hour between."""
    together = [wire(n, start=dice.randrange(SECOND)) for n in range(len(conversations))]
    alone = [wire(n, start=n * 3600 * SECOND) for n in range(len(conversations))]
    check(unlike(tell(host, conversations, together), tell(host, conversations, alone)), conversations)


@holds(2, strategies.any_batches(6))
def test_together_as_in_captures_of_their_own(host, conversations, dice):
    together = tell(host, conversations, [wire(n, start=dice.randrange(SECOND)) for n in range(len(conversations))])
    for number, conversation in enumerate(conversations):
        if conversation:
            alone = tell(host, [conversation], [wire(number)])
            check(unlike({0: alone[number]} if number in alone else alone, {0: together[number]}), [conversation])


CROWD, PAUSE = 1500, 5 * SECOND // 2


@holds(6)
def test_rested_as_awake(host, conversations, _dice):
    """Each segment comes seconds after the one before. Among a crowd that opens connections all the time, what is known of a connection is
    packed in between; alone, with few others, it never is."""
    slow = [[s._replace(time=s.time + i * PAUSE) for i, s in enumerate(c)] for c in conversations]
    segments = [s for c in slow for s in c]
    if not segments:
        return
    end, stranger = max(s.time for s in segments), segments[0]._replace(time=0, sender=CLIENT, flags="S", seq=0, ack=0, length=0)
    wires = [wire(n) for n in range(len(slow))]
    crowd = [wire(1000 + n, start=end * n // CROWD) for n in range(CROWD)]
    for passes in ((), ("-2",)):
        alone = tell(host, slow, wires, args=passes)
        among = tell(host, slow + [[stranger]] * CROWD, wires + crowd, args=passes)
        check(unlike(alone, {n: among[n] for n in alone}), slow)


def elsewhere(number, conversation, dice):
    """Another place that means the same: client port above server port as before, a server's port for Zeek as before, and two initial
    numbers that differ, for Zeek compares them, and make no RST acknowledge 0, which stands for no acknowledgment."""
    here = wire(number)
    ports = ZEEK_PORTS if here.server_port in ZEEK_PORTS else SERVER_PORTS
    meant = {-s.ack % 2**32 for s in conversation if "R" in s.flags}
    numbers = sorted({0, 1, 2**31 - 100, 2**31 - 2000, 2**32 - 3, 2**32 - 1500, dice.randrange(2**32)} - meant)
    return wire(number, client=f"172.16.{dice.randrange(256)}.{number + 1}", server=f"9.{dice.randrange(256)}.0.{number + 1}",
                client_port=dice.randrange(30000, 65536), server_port=dice.choice(ports), isns=tuple(dice.sample(numbers, 2)))


def is_far(conversation):
    """Zeek counts wraps of the raw numbers, so what it says of a number half the space away hangs on where they began."""
    return any(abs(s.seq) > 2**30 or abs(s.ack) > 2**30 for s in conversation)


def without_numbers(told):
    """An explanation counts from the initial number where it is known, and shows the raw one where it is not."""
    return {n: {i: {k: [re.sub(r"\d+", "N", v) for v in vs] if k == "tcphs.explain" else vs for k, vs in fields.items()}
                for i, fields in story.items()} for n, story in told.items()}


@holds(6)
def test_shifting_changes_nothing_else(host, conversations, dice):
    """Times, addresses, ports and initial sequence numbers. The number that was due is shown raw, so it moves with them."""
    plain = tell(host, conversations)
    moved = tell(host, conversations, [elsewhere(n, c, dice) for n, c in enumerate(conversations)], shift=dice.randrange(10**8) * SECOND + 123_456)
    far = {n for n, c in enumerate(conversations) if is_far(c)}
    found = unlike(without_numbers(plain), without_numbers(moved), lambda name: name == "tcphs.ack.expected")
    check([f for f in found if not (f[0] in far and f[2].startswith("tcphs.conn.zeek."))], conversations)


# The way of reading


@holds(4)
def test_one_pass_as_two(host, conversations, _dice):
    once, twice = tell(host, conversations), tell(host, conversations, args=("-2",))
    check(unlike(once, twice, lambda name: name.startswith("tcphs.conn.")), conversations)


FILTERS = ("tcphs.step", "tcphs.anomaly", "tcp.flags.ack == 0", "tcphs.stage >= 3", "tcp.len > 0 || tcphs.rst.kind", "tcphs.conn.failed",
           "ip.src == 10.1.0.3", "!(tcphs.accepted == 1)", "tcphs.back_frame")


@holds(4)
def test_filtered_as_not(host, conversations, dice):
    """What is shown after a display filter, in one pass and in two, is what is shown without."""
    capture = Capture(conversations, [wire(n, start=dice.randrange(SECOND)) for n in range(len(conversations))])
    path, wanted = write(host, capture), dice.choice(FILTERS)
    for args, pick in (([], lambda f: f.fields), (["-2"], Frame.per_segment)):
        whole = {f.number: f for f in host.frames(path, *args)}
        shown = host.frames(path, *args, "-Y", wanted)
        assert differences(wanted, [whole[f.number] for f in shown], shown, pick) == []
    path.unlink()


@holds(3)
def test_sharkd_in_any_order_after_any_filter(host, conversations, dice):
    capture = Capture(conversations, [wire(n, start=dice.randrange(SECOND)) for n in range(len(conversations))])
    path = write(host, capture)
    due = host.frames(path, "-2")
    order = [f.number for f in due]
    dice.shuffle(order)
    with Sharkd(host) as sharkd:
        sharkd.load(path)
        sharkd.ask("frames", filter=dice.choice(FILTERS))
        visited = {n: sharkd.frame(n) for n in order}
        visited = {n: sharkd.frame(n) if dice.random() < 0.1 else frame for n, frame in visited.items()}
    path.unlink()
    seen = [visited[n] for n in sorted(visited)]
    assert differences("sharkd", due, seen, lambda f: f.fields) == []


# What a capture misses


@holds(7, strategies.healthy_batches())
def test_missing_frames_accuse_nobody(host, conversations, dice):
    """Whole, with some frames missing, with a run of frames missing: a healthy conversation stays without anomaly."""
    def rest(conversation):
        manner, size = dice.randrange(4), len(conversation)
        if manner == 0:
            lost = set(dice.sample(range(size), min(size - 1, dice.randint(1, 4))))
        elif manner == 1:
            start = dice.randrange(size)
            lost = set(range(start, min(size, start + dice.randint(1, 12))))
        elif manner == 2:
            lost = {i for i in range(size) if dice.random() < 0.3}
        else:
            lost = set()
        return [s for i, s in enumerate(conversation) if i not in lost]
    left = [rest(c) for c in conversations]
    found = [(n, 0, "anomalies", anomalies(story), "missing frames") for n, story in tell(host, left, args=("-2",)).items() if anomalies(story)]
    check(found[:3], left)


@holds(5)
def test_one_direction_accuses_nobody(host, conversations, dice):
    """Of a conversation that nobody is accused of, either direction alone accuses nobody, and fails no handshake that succeeded."""
    whole = tell(host, conversations, args=("-2",))
    sides = [dice.randrange(2) for _ in conversations]
    left = [[s for s in c if s.sender == side] for c, side in zip(conversations, sides)]
    found = []
    for number, story in tell(host, left, args=("-2",)).items():
        if anomalies(story) and not anomalies(whole[number]):
            found.append((number, 0, "anomalies", anomalies(story), "one direction missing"))
        before, after = (next(iter(s.values())).get("tcphs.conn.verdict", ["0"])[0] for s in (whole[number], story))
        if before == ESTABLISHED and after in FAILURES - {NO_ANSWER}:       # SYNs alone are SYNs without an answer
            found.append((number, 0, "verdict", before, after))
    check(found[:3], left)
