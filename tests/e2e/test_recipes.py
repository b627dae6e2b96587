"""Every command of plugin/doc/recipes.md, run in a shell as it stands there, prints what is shown under it.

Leaves to others: the recipes that need a live interface (test_live.py).
"""
import os
import re
import shutil

import pytest

from harness import ROOT, SAMPLES, in_parallel

PAGE = (ROOT / "plugin" / "doc" / "recipes.md").read_text()
QUESTIONS = re.findall(r"^### (.*)$", PAGE, re.M)


def blocks():
    """(question, marker before the block, text of the block) in order."""
    for part in re.split(r"^### ", PAGE, flags=re.M)[1:]:
        question = part.split("\n", 1)[0]
        for marker, block in re.findall(r"^(<!-- \w+ -->\n)?```\n(.*?)^```$", part, re.M | re.S):
            yield question, marker.strip(), block


def shown():
    return [(question, command, output) for question, marker, block in blocks() if not marker
            for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)]


@pytest.fixture(scope="module")
def printed(host):
    """What each command prints, run where the captures stand under the name the recipes use, this host's programs first in PATH."""
    place = host.folder("recipes")
    (place / "sample-captures").symlink_to(host.folder("captures"))
    for capture in SAMPLES.glob("*.pcap*"):
        host.place(capture)
    env = dict(host.env, PATH=os.path.dirname(shutil.which(host.tshark)) + ":" + os.environ["PATH"])
    commands = [command for _, command, _ in shown()]
    return dict(zip(commands, in_parallel(lambda c: host.run("sh", "-c", f'cd "$0" && {c}', place, env=env), commands)))


def test_there_are_enough():
    assert len(QUESTIONS) >= 32 and len(set(QUESTIONS)) == len(QUESTIONS)
    assert {question for question, _, _ in blocks()} == set(QUESTIONS)
    assert f"{len(QUESTIONS)} questions" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("question, command, output", shown(), ids=[f"{q[:50]} {i}" for i, (q, _, _) in enumerate(shown())])
def test_prints_what_is_shown(printed, question, command, output):
    done = printed[command]
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert output.strip(), "a recipe that finds nothing shows nothing"
    assert done.stdout == output, question


def test_a_filter_picks_some_and_not_all():
    """What matches every frame of its capture would print the same whatever the plugin says."""
    frames = 203
    picked = [len(output.splitlines()) for _, command, output in shown()
              if "many-kinds" in command and " -Y " in command and "| awk" not in command]
    assert len(picked) >= 10 and max(picked) < frames / 4


def test_every_capture_is_there():
    named = set(re.findall(r"sample-captures/([\w.-]+\.pcap(?:ng)?)", PAGE))
    assert len(named) >= 10 and all((SAMPLES / name).exists() for name in named)
