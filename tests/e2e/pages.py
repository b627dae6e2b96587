"""The pages people read, README.md and plugin/doc, as tests see them: the commands they show and what they say these print.

A line "$ COMMAND" in a fenced block is followed by its output. A block of sh or another language after <!-- command: NAME --> is
pasted as it stands; what it prints follows in the next block, where it prints something. Leaves to others: running them.
"""
import re

from harness import ROOT

README = ROOT / "README.md"
DOC = ROOT / "plugin" / "doc"
PAGES = [README, *sorted(DOC.glob("*.md"))]
SHOWN = re.compile(r"^\$ (?P<command>.*\n)(?P<output>(?:(?!\$ |```).*\n)*)", re.M)
FENCED = re.compile(r"^(?P<marker><!-- [\w: ]+ -->\n)?```(?P<language>\w*)\n(?P<content>.*?)^```$", re.M | re.S)


def unmarked_blocks(text):
    """Fenced blocks without a marker of their own: a marked one has a test of its own."""
    return [block for block in FENCED.finditer(text) if not block["marker"]]


def shown(page):
    """(command, output) of every "$ COMMAND" of a page, in order."""
    return [(found["command"].strip(), found["output"]) for block in unmarked_blocks(page.read_text())
            for found in SHOWN.finditer(block["content"])]


def with_outputs(page, printed):
    """The text of a page with what its commands print now."""
    def block(found):
        if found["marker"]:
            return found[0]
        return SHOWN.sub(lambda one: "$ " + one["command"] + printed[one["command"].strip()], found[0])
    return FENCED.sub(block, page.read_text())


def command(page, name):
    """The block that is pasted as it stands."""
    found = re.findall(rf"^<!-- command: {name} -->\n```\w+\n((?:(?!```).*\n)*)```$", page.read_text(), re.M)
    assert len(found) == 1, f"{page.name}: {len(found)} commands {name}, expected one"
    return found[0]


def answer(page, name):
    """What a page says that the command prints: the block after it."""
    found = re.findall(rf"^<!-- command: {name} -->\n```\w+\n(?:(?!```).*\n)*```\n\n```\n((?:(?!```).*\n)*)```$", page.read_text(), re.M)
    assert len(found) == 1, f"{page.name}: {len(found)} outputs after the command {name}, expected one"
    return found[0]
