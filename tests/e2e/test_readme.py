"""The README tells the truth: its tables come from the .def files, its commands run, its outputs are what they print."""
import re
import shlex
import subprocess
import sys

import pytest

import harness

README = (harness.ROOT / "README.md").read_text()


def shown_commands():
    """Every '$ tshark …' line in a fenced block with the output shown under it."""
    found = []
    for _, block in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            found.append((command, output))
    return found


def test_tables_are_generated():
    done = subprocess.run([sys.executable, harness.ROOT / "tests" / "docs" / "tables.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_there_are_shown_commands():
    assert len(shown_commands()) >= 5


@pytest.mark.parametrize("command, output", shown_commands(), ids=[c[:60] for c, _ in shown_commands()])
def test_shown_output_is_what_it_prints(host, command, output):
    words = shlex.split(command)
    assert words[0] == "tshark"
    words = [str(host.place(harness.ROOT / w)) if w.startswith("sample-captures/") else w for w in words]
    done = host.run(host.tshark, *words[1:])
    assert done.returncode == 0, done.stderr
    assert done.stdout == output


def test_main_job_prints_the_table(host):
    """The last line of the first command, against what is shown under it."""
    block = re.search(r"<!-- command: run -->\n```sh\n(.*?)```\n\n```\n(summary.*?)```", README, re.S)
    words = shlex.split(block.group(1).rsplit("&&\n", 1)[1])
    words = [str(host.place(harness.ROOT / w)) if w.startswith("sample-captures/") else w for w in words]
    done = host.run(host.tshark, *words[1:])
    assert done.returncode == 0, done.stderr
    assert done.stdout == block.group(2)


def test_named_fields_exist(host):
    known = {row[2] for row in host.glossary("fields") if len(row) > 2}
    named = set(re.findall(r"\btcphs\.[a-z_.]*[a-z_]", README)) - {"tcphs.so", "tcphs.json"}
    named -= set(re.findall(r"tcphs\.\w+", host.run(host.tshark, "-G", "defaultprefs").stdout))
    generic = {"tcphs.conn", "tcphs.conn.zeek", "tcphs.anomaly", "tcphs.expert"}
    assert {n for n in named if n not in generic and n not in known} == set()
    assert len(named) > 30


def test_named_captures_exist():
    named = set(re.findall(r"sample-captures/([\w.-]+\.pcap(?:ng)?)", README))
    assert named and all((harness.SAMPLES / n).exists() for n in named)
