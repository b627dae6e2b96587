"""README.md: short, and what it says of itself is so: the first command's table, the table of filters, the installed names.

Leaves to others: commands shown with "$" (test_pages.py); names, links and syntax (tests/docs).
"""
import re
import shlex

import pages
from harness import ROOT, SAMPLES, in_parallel

README = pages.README.read_text()
MOST_LINES = 260
QUESTION = re.compile(r"^\| ([^|]*\?) \| `([^`]*)` \| (\d+) \|$", re.M)


def test_it_is_short():
    assert len(README.splitlines()) <= MOST_LINES


def test_the_first_command_prints_the_table(host):
    """Its last line, against what is shown under it."""
    words = shlex.split(pages.command(pages.README, "run").rsplit("&&\n", 1)[1])
    words = [str(host.place(ROOT / w)) if w.startswith("sample-captures/") else w for w in words]
    done = host.run(host.tshark, *words[1:])
    assert done.returncode == 0, done.stderr
    assert done.stdout == pages.answer(pages.README, "run")


def test_questions_and_filters(host):
    """As many frames as the table says, and never all of them, which would be found whatever the plugin says."""
    capture = host.place(SAMPLES / "many-kinds.pcapng")
    rows = [(display_filter, int(count)) for _, display_filter, count in QUESTION.findall(README)]
    found = in_parallel(lambda row: (row[0], len(host.numbers(capture, row[0], "-2"))), rows)
    assert found == rows and len(rows) == 10 and all(0 < count < 50 for _, count in rows)
    whole = re.search(r"\((\d+) frames, (\d+) connections\)", README)
    assert len(host.lines("-r", capture)) == int(whole.group(1))
    assert f"connections {whole.group(2)}," in host.ts("-q", "-z", "tcphs,conn", "-r", capture).stdout


def test_the_check_of_an_installation(host):
    """The two lines under "Check with" find the plugin and its folder."""
    block = re.search(r"Check with\n\n```\n(.*?)```", README, re.S).group(1)
    assert len(block.splitlines()) == 2
    for line in block.splitlines():
        done = host.run("sh", "-c", line.replace("tshark", host.tshark, 1))
        assert done.returncode == 0 and done.stdout.strip(), line
