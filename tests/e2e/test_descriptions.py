"""tcphs.json and tcphs(7) against what the running tshark says of itself: the same names, types, numbers, texts and defaults.

Both are made at build time from the plugin's tables; they stand beside the plugin under test (or in TCPHS_DESCRIPTIONS).
"""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import ROOT

SEVERITIES = {"chat", "note", "warn", "error"}
GROUPS = {"sequence", "protocol", "security", "assumption"}


@pytest.fixture(scope="module")
def folder(host):
    found = Path(os.environ.get("TCPHS_DESCRIPTIONS", host.plugin.parent / "doc"))
    assert (found / "tcphs.json").exists(), f"no tcphs.json in {found}: build the target tcphs_descriptions"
    return found


@pytest.fixture(scope="module")
def told(folder):
    return json.loads((folder / "tcphs.json").read_text())


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "tcphs.7").read_text()


def test_every_field_of_tshark_and_no_other(told, declared):
    fields = {f["name"]: (f["title"], f["type"], f["meaning"]) for f in told["fields"]}
    assert fields == {n: v for n, v in declared.items() if not n.startswith(("tcphs.anomaly.", "tcphs.expert."))}


def test_every_anomaly_and_note_and_no_other(told, declared):
    both = told["anomalies"] + told["notes"]
    experts = {f["expert"]: f["summary"] for f in both}
    assert experts == {n: v[0] for n, v in declared.items() if n.startswith("tcphs.expert.")}
    fields = {f["field"]: f["summary"] for f in told["anomalies"]}
    assert fields == {n: v[0] for n, v in declared.items() if n.startswith("tcphs.anomaly.")}
    assert {f["severity"] for f in both} == SEVERITIES and {f["group"] for f in both} == GROUPS
    assert all(f["source"] == "heuristic" or re.match(r"RFC \d+ [\d.]+$", f["source"]) for f in both)


def test_severity_and_group_are_what_a_capture_shows(told, host, samples):
    """-G fields tells neither: what `-z expert` counts under a heading does."""
    capture = next(c for c in samples if c.name == "many-kinds.pcapng")
    rows, heading = {}, None
    for line in host.lines("-q", "-z", "expert", "-r", capture):
        found = re.match(r"(Errors|Warns|Notes|Chats) \(", line)
        heading = found.group(1).lower().rstrip("s") if found else heading
        row = line.split(None, 3)       # frequency, group, protocol, summary
        if len(row) == 4 and row[2] == "TCPHS":
            rows[row[3]] = (heading, row[1].lower())
    seen = [f for f in told["anomalies"] + told["notes"] if f["summary"] in rows]
    assert len(seen) == len(rows) >= 6
    assert {f["name"]: (f["severity"], f["group"]) for f in seen} == {f["name"]: rows[f["summary"]] for f in seen}


def test_every_enumeration_of_tshark_and_no_other(told, host):
    """`tshark -G values` gives them all, for every field that has words."""
    said = {}
    for row in host.glossary("values"):
        if row[0] == "V" and row[1].startswith("tcphs."):
            said.setdefault(row[1], []).append((int(row[2], 0), row[3]))
    known = {f["name"]: [(w["number"], w["text"]) for w in told["enumerations"][f["values"]]] for f in told["fields"] if "values" in f}
    assert said == known and len(said) == 9
    assert {f["values"] for f in told["fields"] if "values" in f} == set(told["enumerations"])
    assert all(w["meaning"] for words in told["enumerations"].values() for w in words)


def test_what_is_final_at_once(told):
    assert {f["name"] for f in told["fields"] if not f["final_at_once"]} == {f["name"] for f in told["fields"] if f["of"] == "connection"}
    assert all(f["name"].startswith("tcphs.conn.") == (f["of"] == "connection") for f in told["fields"])


def test_preferences_have_these_defaults(told, host):
    said = dict(re.findall(r"^#(tcphs\.\w+): (.*)$", host.run(host.tshark, "-G", "defaultprefs").stdout, re.M))
    known = {p["name"]: p["default"] for p in told["preferences"]}
    assert said == known


def test_every_choice_of_a_preference_is_taken(told, host, samples):
    tried = [f"{p['name']}:{choice}" for p in told["preferences"] for choice in p.get("choices", [])]
    assert len(tried) >= 3
    for option in tried:
        host.ts("-q", "-z", "tcphs,conn", "-o", option, "-r", samples[0])


def test_reports_print_these_columns(told, host, samples):
    for report in told["reports"]:
        keys = [c["key"] for c in report["columns"] if "key" in c]
        if keys:
            done = host.ts("-q", "-z", report["command"], "-o", "tcphs.report:tsv", "-r", samples[0])
            assert done.stdout.splitlines()[0].split("\t") == keys
    assert [report["name"] for report in told["reports"] if not any("key" in c for c in report["columns"])] == ["ladder"]
    assert len(told["reports"]) == 6


def test_the_page_names_everything(told, page):
    plain = page.replace("\\-", "-")
    names = [f["name"] for f in told["fields"]] + [f.get("field", f["expert"]) for f in told["anomalies"] + told["notes"]]
    names += [p["name"] for p in told["preferences"]] + ["-z " + r["command"] for r in told["reports"]]
    names += [w["text"] for words in told["enumerations"].values() for w in words]
    assert [n for n in names if n not in plain] == []
    questions = re.findall(r"^### (.*)$", (ROOT / "plugin" / "doc" / "recipes.md").read_text(), re.M)
    assert len(questions) >= 32 and [q for q in questions if q not in plain.replace("\\(aq", "'")] == []


@pytest.mark.skipif(not shutil.which("man"), reason="no man")
def test_the_page_renders_without_warning(folder):
    env = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80", MANPAGER="cat", MANROFFSEQ="")
    done = subprocess.run(["man", "--warnings", "-l", folder / "tcphs.7"], capture_output=True, text=True, env=env, check=True)
    assert not done.stderr
    assert "TCP handshake analysis" in done.stdout and "tcphs.conn.verdict" in done.stdout


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc")
def test_the_page_is_clean_for_mandoc(folder):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", folder / "tcphs.7"], capture_output=True, text=True, check=False)
    assert not done.stdout and done.returncode == 0
