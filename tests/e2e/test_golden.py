"""What tcphs says about every sample capture, word for word, after one pass and after two: the same on every Wireshark version.

Leaves to others: whether the passes agree (test_modes). `pytest --update-golden` rewrites the files; read the diff before you commit it.
"""
import json
from pathlib import Path

import pytest

from harness import BOOLEANS, SAMPLES, Sharkd, in_parallel

GOLDEN = Path(__file__).with_name("golden")
SEED = 20240229
PASSES = {"one": [], "two": ["-2"]}


def plain(name, values):
    """A field that is merely there reads true, a boolean reads true or false, the rest as tshark writes it."""
    if name in BOOLEANS:
        values = [v == "1" for v in values]
    else:
        values = [v if v != "" else True for v in values]
    return values[0] if len(values) == 1 else values


def as_lines(frames):
    rows = (dict({n: plain(n, v) for n, v in f.fields.items()}, frame=f.number) for f in frames if f.fields)
    return [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows]


def differing(old, new, limit=6):
    """The first frames that differ, by field: a whole line of a golden file is unreadable in a failure."""
    old, new = ({json.loads(l)["frame"]: json.loads(l) for l in lines} for lines in (old, new))
    found = []
    for n in sorted(set(old) | set(new)):
        a, b = old.get(n, {}), new.get(n, {})
        found += [f"frame {n} {k}: golden {a.get(k)!r}, now {b.get(k)!r}" for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)]
    return found[:limit] + ([f"... {len(found) - limit} more"] if len(found) > limit else [])


def golden(capture, passes):
    return (GOLDEN / f"{capture.name}.{passes}.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("passes", ["one", pytest.param("two", marks=pytest.mark.trust)])
def test_samples_read_as_they_did(host, samples, passes, request):
    wrong = []
    for capture, frames in zip(samples, in_parallel(lambda c: host.once(c, *PASSES[passes]), samples)):
        lines = as_lines(frames)
        path = GOLDEN / f"{capture.name}.{passes}.jsonl"
        if request.config.getoption("--update-golden"):
            GOLDEN.mkdir(exist_ok=True)
            path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        elif not path.exists():
            wrong.append(f"{capture.name}: no golden file, run pytest --update-golden and read what it writes")
        else:
            wrong += [f"{capture.name}: {d}" for d in differing(path.read_text(encoding="utf-8").splitlines(), lines)]
    assert not wrong, "\n".join(wrong)


def test_every_golden_file_has_its_capture(samples):
    """A renamed capture would leave a file behind that nothing compares."""
    due = {f"{c.name}.{p}.jsonl" for c in samples for p in PASSES}
    assert {p.name for p in GOLDEN.glob("*")} <= due, f"captures stand in {SAMPLES.name}/"


def in_the_tree(lines):
    """sharkd leaves out the texts for columns, whose items are hidden."""
    return [json.dumps({k: v for k, v in json.loads(line).items() if k != "tcphs.anomalies"}, sort_keys=True, ensure_ascii=False) for line in lines]


def test_sharkd_reads_them_as_after_two_passes(host, samples):
    """One sharkd opens file after file, its frames in a drawn order: after its load all is final, and no file shines through in the next."""
    wrong = []
    with Sharkd(host) as sharkd:
        for capture in samples:
            wrong += [f"{capture.name}: {d}" for d in differing(in_the_tree(golden(capture, "two")), as_lines(sharkd.frames(capture, SEED)))]
    assert not wrong, "\n".join(wrong)


def test_passes_agree(samples):
    """What is said of a segment is the same after one pass and after two; what is said of its connection may have grown."""
    wrong = []
    for capture in samples:
        once, twice = (["".join(f"{k}={v!r};" for k, v in sorted(json.loads(line).items()) if not k.startswith("tcphs.conn."))
                        for line in golden(capture, passes)] for passes in PASSES)
        wrong += [f"{capture.name}: {a} and {b}" for a, b in zip(once, twice, strict=True) if a != b][:3]
    assert not wrong, "\n".join(wrong)
