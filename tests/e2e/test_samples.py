"""sample-captures/README.md says what to look for in each capture: it must be there, and quiet captures must be quiet."""
import json
import re

import pytest

import harness
from test_golden import GOLDEN

README = (harness.SAMPLES / "README.md").read_text()
ROWS = re.findall(r"^\| `([\w.-]+\.pcap(?:ng)?)` \|[^|]*\|(.*)\|$", README, re.M)


def declared(macro):
    text = (harness.ROOT / "plugin" / "core" / "findings" / "findings.def").read_text()
    return set(re.findall(rf"^TCPHS_{macro}\((\w+),", text, re.M))


ANOMALIES, NOTES = declared("ANOMALY"), declared("NOTE")
VERDICTS = dict(re.findall(r'^TCPHS_VERDICT\((\d+), \w+, "(\w+)"', (harness.ROOT / "plugin" / "core" / "enums.def").read_text(), re.M))


def in_a_list(value):
    return value if isinstance(value, list) else [value]


def test_table_is_complete():
    assert len(ROWS) >= 20
    assert {name for name, _ in ROWS} == {p.name for p in harness.SAMPLES.glob("*.pcap*")}


@pytest.mark.parametrize("name, text", ROWS, ids=[r[0] for r in ROWS])
def test_shows_what_it_says(name, text):
    """The golden files hold what is shown: test_golden compares them with the programs."""
    frames = [json.loads(line) for line in (GOLDEN / f"{name}.two.jsonl").read_text(encoding="utf-8").splitlines()]
    found = {row for f in frames for row in ANOMALIES | NOTES if "tcphs.expert." + row in f}
    verdicts = {VERDICTS[v] for f in frames for v in in_a_list(f.get("tcphs.conn.verdict", []))}
    absent = set(re.findall(r"\bno `(\w+)`", text))
    named = set(re.findall(r"`(\w+)`", text)) - absent
    assert named & (ANOMALIES | NOTES) <= found
    assert not absent & found
    assert named & set(VERDICTS.values()) <= verdicts
    if re.search(r"\bQuiet\b", text):
        assert not found & ANOMALIES
