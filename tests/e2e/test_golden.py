"""What tcphs says about every sample capture, word for word, after one pass and after two: the same on every Wireshark version.

Leaves to others: whether the passes agree (test_modes). `pytest --update-golden` rewrites the files; read the diff before you commit it.
"""
import json
from pathlib import Path

import pytest

from harness import BOOLEANS, SAMPLES, in_parallel

GOLDEN = Path(__file__).with_name("golden")
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


@pytest.mark.parametrize("passes", PASSES)
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
