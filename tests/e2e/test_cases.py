"""Talks that were once judged wrongly, each with what is right in a few of its frames and of its connection, and near misses of them.

The table is cases/cases.tsv: file, class, where, field, expected, why. Captures that may not be copied (cut/) stand beside the checkout or
are skipped. Leaves to others: everything else that is shown of the frames.
"""
import csv
import json
import re

import pytest

from harness import BOOLEANS, ROOT

HERE = ROOT / "tests" / "e2e" / "cases"
BESIDE = ROOT.parent / "shared" / "cases"


def table():
    rows = {}
    with open(HERE / "cases.tsv", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            rows.setdefault(row["file"], []).append(row)
    return rows


CASES = table()


@pytest.fixture(scope="module")
def words(host):
    """What the numbers of each enumerated field stand for."""
    said = {}
    for row in host.glossary("values"):
        if row[0] == "V":
            said.setdefault(row[1], {})[str(int(row[2], 0))] = row[3]
    return said


def holds(got, expected):
    """got is text, or None for nothing; expected as the table has it."""
    if expected in ("absent", "present"):
        return (got is None) == (expected == "absent")
    if expected.startswith(("~", "!~")):
        return bool(re.search(expected.lstrip("!")[1:], got or "")) != expected.startswith("!")
    if expected[0] in "<>":
        return got is not None and (float(got) < float(expected[1:]) if expected[0] == "<" else float(got) > float(expected[1:]))
    return (got or "") in expected.split("|")


def as_text(value):
    """A key of a JSON report: what is not there, not so or empty is nothing."""
    return None if value in (None, False, "", []) else {True: "true"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def seen(row, frames, connections, words):
    kind, _, number = row["where"].partition(" ")
    name = row["field"]
    if kind == "connection":
        assert int(number) < len(connections) and name in connections[int(number)], f"no {name} in {row['where']}"
        return as_text(connections[int(number)][name])
    if kind == "capture":
        return str(len(connections) if name == "connections" else sum(f.has(name) for f in frames.values()))
    values = frames[int(number)].fields.get(name)
    if values is None:
        return None
    if name in BOOLEANS:
        return ",".join("true" if v == "1" else "false" for v in values)
    return ",".join(words.get(name, {}).get(v, v) for v in values)


def frames_and_connections(host, capture):
    """Both of one run: the array of frames, and behind it the report, a line for each connection."""
    packets, rows = host.frames_and_rows("-2", "-r", capture, "-o", "tcphs.report:json", "-z", "tcphs,conn")
    connections = sorted((row for row in rows if "start" in row), key=lambda row: row["start"])
    return {f.number: f for f in packets}, connections


@pytest.mark.parametrize("name", CASES)
def test_case(host, words, name):
    source = next((folder / name for folder in (HERE, BESIDE) if (folder / name).exists()), None)
    if source is None:
        pytest.skip("this capture does not stand beside the checkout")
    capture = host.place(source, name.replace("/", "-"))
    frames, connections = frames_and_connections(host, capture)
    wrong = [f"{row['where']} {row['field']}: {got!r}, right is {row['expected']} ({row['why']})" for row in CASES[name]
             for got in [seen(row, frames, connections, words)] if not holds(got, row["expected"])]
    assert not wrong, "\n".join(wrong)


def test_every_capture_is_in_the_table():
    assert {path.name for path in HERE.glob("*.pcap")} == {name for name in CASES if "/" not in name}
