"""README.md against the .def files and itself, without a built plugin; with TCPHS_PLUGIN set, every filter it names is compiled.

Leaves to others: whether the outputs it shows are what the commands print (tests/e2e/test_readme.py).
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "docs"), str(ROOT / "tests" / "e2e")]

import tables  # noqa: E402

README = (ROOT / "README.md").read_text()
FAMILIES_OF_NAMES = {"tcphs", "tcphs.conn", "tcphs.anomaly", "tcphs.expert"}


def column(path, macro, index):
    return [row[index] for row in tables.rows(ROOT / path, macro)]


def known_names():
    anomalies = column("plugin/core/findings.def", "TCPHS_ANOMALY", 0)
    notes = column("plugin/core/findings.def", "TCPHS_NOTE", 0)
    remarks = column("plugin/core/remarks.def", "TCPHS_REMARK", 0)
    return (set(column("plugin/wireshark/fields.def", "TCPHS_FIELD", 1)) | {f"tcphs.anomaly.{n}" for n in anomalies}
            | {f"tcphs.expert.{n}" for n in anomalies + notes + remarks})


def preferences():
    source = (ROOT / "plugin" / "wireshark" / "preferences.def").read_text()
    found = {f"tcphs.{name}" for name in re.findall(r"^TCPHS_PREFERENCE\(\w+, (\w+),", source, re.M)}
    assert len(found) >= 4
    return found


def filters():
    """Code spans and -Y arguments that are display filters; NAME, * and … stand for more than one."""
    spans = set(re.findall(r"`(!?tcphs\.[^`\n]+)`", README)) | set(re.findall(r"-Y '([^'\n]+)'", README))
    return sorted(s for s in spans if s not in preferences() and not re.search(r"NAME|\*|…|\.(so|json)$", s))


def test_tables_are_up_to_date():
    assert tables.filled(README) == README


@pytest.mark.parametrize("row", ["TCPHS_ANOMLY(a, b)", 'TCPHS_NOTE(a, "b")', 'TCPHS_NOTE(a, "b', "stray"])
def test_a_row_that_is_none_is_an_error(tmp_path, row):
    path = tmp_path / "some.def"
    path.write_text(row + "\n")
    with pytest.raises(SystemExit, match="some.def"):
        tables.every_row(path)


def test_every_named_field_is_declared():
    named = set(re.findall(r"(?<![\w./-])tcphs(?:\.[a-z0-9_]+)+", README)) - {"tcphs.so", "tcphs.json"}
    assert named - known_names() - FAMILIES_OF_NAMES - preferences() == set()


def test_every_preference_is_named():
    assert {n for n in preferences() if f"`{n}`" not in README} == set()


def test_every_field_is_named():
    assert {n for n in known_names() if not n.startswith("tcphs.expert.") and f"`{n}`" not in README} == set()


@pytest.mark.parametrize("name", ["run", "test"])
def test_a_command_is_one_block(name):
    after = README.split(f"<!-- command: {name} -->\n")
    assert len(after) == 2, "expected the marker once"
    block = re.match(r"```sh\n(.*?)^```$", after[1], re.S | re.M)
    assert block and block.group(1).strip(), "expected a fenced block of sh after the marker"
    done = subprocess.run(["sh", "-n"], input=block.group(1), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_every_linked_file_exists():
    targets = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"sample-captures/[\w.-]+\.pcap(?:ng)?", README)
    assert targets and [t for t in targets if not (ROOT / t).exists()] == []


def test_the_screenshot_is_small():
    assert (ROOT / "tests" / "gui" / "screenshot.png").stat().st_size < 300 * 1024


@pytest.mark.skipif("TCPHS_PLUGIN" not in os.environ, reason="TCPHS_PLUGIN is not set")
def test_every_filter_compiles():
    import harness
    host = harness.Host(os.environ["TCPHS_PLUGIN"], os.environ.get("TCPHS_TSHARK", "tshark"), "sharkd", "wireshark")
    try:
        host.install()
        host.assert_loaded()
        with harness.Sharkd(host) as sharkd:
            said = {f: sharkd.reply("check", filter=f) for f in [*filters(), "no.such.field"]}
        refused = {f: answer["error"] for f, answer in said.items() if "error" in answer}
        assert len(said) > 80 and set(refused) == {"no.such.field"}, refused
    finally:
        host.close()
