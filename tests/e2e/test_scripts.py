"""plugin/doc/scripts.md: the exit statuses of its table, on the version under test, and a stderr that is empty while nothing is wrong.

Leaves to others: commands shown with "$" (test_pages.py).
"""
import os
import re
import shutil

import pytest

import pages
from harness import SAMPLES

PAGE = pages.DOC / "scripts.md"
HEAD, *ROWS = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
               for line in re.search(r"<!-- exit statuses -->\n(.*?)\n\n", PAGE.read_text(), re.S).group(1).splitlines()
               if not line.startswith("|---")]


@pytest.fixture(scope="module")
def place(host):
    """A folder with the files that the commands name."""
    folder = host.folder("scripts")
    shutil.copy(SAMPLES / "showcase.pcapng", folder / "FILE")
    (folder / "cut.pcap").write_bytes((SAMPLES / "refused.pcap").read_bytes()[:-10])
    (folder / "README.md").write_text("no capture\n")
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def run(host, place):
    env = dict(host.env, PATH=os.path.dirname(shutil.which(host.tshark)) + ":" + os.environ["PATH"])
    return lambda command: host.run("sh", "-c", f'cd "$0" && {command}', place, env=env)


def test_the_table_is_whole():
    assert HEAD == ["command", "what is wrong", "4.0", "4.4", "4.6"] and len(ROWS) >= 16
    assert [row for row in ROWS if len(row) != len(HEAD) or not row[0].startswith("`")] == []


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip("`") for row in ROWS])
def test_exit_status(host, run, row):
    version = "{}.{}".format(*host.version)
    if version not in HEAD:
        pytest.skip(f"the table has no column for {version}")
    done = run(row[0].strip("`").replace("\\|", "|"))
    assert done.returncode == int(row[HEAD.index(version)]), done.stderr
    assert bool(done.stderr) == (done.returncode != 0), "what is wrong is said on stderr, and nothing else is"


def test_a_cut_file_is_reported_as_far_as_it_goes(run):
    assert run("tshark -q -z tcphs,conn -r cut.pcap").stdout.startswith("summary: connections 1")


READERS = ["tshark -n -r FILE", "tshark -n -2 -r FILE", "tshark -n -2 -r FILE -Y tcphs.conn.failed", "tshark -n -V -r FILE", "tshark -n -r FILE -T json",
           "tshark -n -2 -r FILE -T ek", "tshark -n -r FILE -Y tcphs.anomaly -T fields -e tcphs.explain"]
READERS += [f"tshark -n -q -z tcphs,{name} -r FILE" for name in ("conn", "server", "client", "tree", "ladder")]


@pytest.mark.parametrize("command", READERS)
def test_nothing_on_stderr_for_who_reads_a_file(run, command):
    done = run(command)
    assert done.returncode == 0 and done.stdout and done.stderr == ""
