"""plugin/doc/recipes.md is as its readers expect: many questions, each once, each with a command that picks something.

Leaves to others: what the commands print (test_pages.py), the recipes that need a live interface (test_live.py).
"""
import re

import pages

PAGE = pages.DOC / "recipes.md"
QUESTIONS = re.findall(r"^### (.*)$", PAGE.read_text(), re.M)


def parts():
    """(question, what stands under it) in order."""
    return [part.split("\n", 1) for part in re.split(r"^### ", PAGE.read_text(), flags=re.M)[1:]]


def test_there_are_enough():
    assert len(QUESTIONS) >= 32 and len(set(QUESTIONS)) == len(QUESTIONS)
    assert [question for question, text in parts() if not re.search(r"^\$ ", text, re.M)] == []
    assert pages.README.read_text().count(f"{len(QUESTIONS)} questions") == 2


def test_a_filter_picks_some_and_not_all():
    """What matches every frame of its capture would print the same whatever the plugin says."""
    frames = 203
    picked = [len(output.splitlines()) for command, output in pages.shown(PAGE)
              if "many-kinds" in command and " -Y " in command and "| awk" not in command]
    assert len(picked) >= 10 and max(picked) < frames / 4
