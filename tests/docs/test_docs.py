"""The pages people read against the plugin's own tables and each other: generated tables, names, filters, links, commands' syntax.

Leaves to others: whether the outputs shown are what the commands print (tests/e2e/test_pages.py). Needs a C compiler; with
TCPHS_PLUGIN set, every filter that a page names is compiled.
"""
import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e")]

import pages  # noqa: E402

GENERATED = [ROOT / "plugin" / "doc" / f"{name}.md" for name in ("anomalies", "fields", "reports")]
LINKED = [*pages.PAGES, ROOT / "sample-captures" / "README.md", ROOT / "tests" / "scripts" / "NOTATION.md", ROOT / "CHANGELOG.md"]
PARENTS_OF_NAMES = {"tcphs", "tcphs.conn", "tcphs.conn.zeek", "tcphs.anomaly", "tcphs.expert"}
FILES = {"tcphs.so", "tcphs.json", "tcphs.nosuch"}    # tcphs.nosuch: scripts.md shows what a wrong name does

DECODE_AS = {"tcphs.in_front_of.tcp"}  # a name for -d, not a field


@pytest.fixture(scope="session")
def describe(tmp_path_factory):
    """The generator, built here from the tables as they stand, so that no stale one of a build folder answers."""
    program = tmp_path_factory.mktemp("describe") / "describe"
    sources = sorted((ROOT / "plugin" / "doc").glob("*.c"))
    subprocess.run(["cc", "-std=c11", '-DTCPHS_VERSION="0"', "-o", program, *sources], check=True)

    def run(*args, ok=True):
        done = subprocess.run([program, *args], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == ok, done.stderr
        return done.stdout if ok else done.stderr
    return run


@pytest.fixture(scope="session")
def tables(describe):
    return json.loads(describe("json"))


@pytest.fixture(scope="session")
def preferences(tables):
    return {p["name"] for p in tables["preferences"]}


@pytest.fixture(scope="session")
def fields(tables):
    """Everything that can stand in a filter."""
    return ({f["name"] for f in tables["fields"]} | {f["field"] for f in tables["anomalies"]}
            | {f["expert"] for f in tables["anomalies"] + tables["notes"]})


def text(page):
    return page.read_text()


def name_of(page):
    return str(page.relative_to(ROOT))


# Generated tables


@pytest.mark.parametrize("page", GENERATED, ids=name_of)
def test_tables_are_up_to_date(describe, page):
    assert describe("page", page) == text(page), "run: cmake --build build --target tcphs_pages"


def test_tables_stand_where_they_are_looked_for():
    with_tables = [page for page in LINKED if "<!-- begin: " in text(page)]
    assert with_tables == GENERATED
    named = re.search(r"set\(TABLES_IN ([\w ]+)\)", text(ROOT / "plugin" / "doc" / "CMakeLists.txt")).group(1).split()
    assert [page.stem for page in GENERATED] == named
    parts = collections.Counter(name for page in GENERATED for name in re.findall(r"<!-- begin: (.*) -->", text(page)))
    made = set(re.findall(r'^    { "([a-z ]+)", put_', text(ROOT / "plugin" / "doc" / "markdown.c"), re.M))
    assert parts == collections.Counter(made) and len(made) == 8


@pytest.mark.parametrize("page, error", [("<!-- begin: nosuch -->\n<!-- end: nosuch -->\n", "no table is called"),
                                         ("<!-- begin: notes -->\ntext\n", "has no end"),
                                         ("<!-- begin: notes -->\n<!-- end: values -->\n", "has no end")])
def test_a_wrong_marker_is_an_error(describe, tmp_path, page, error):
    (tmp_path / "page.md").write_text(page)
    assert error in describe("page", tmp_path / "page.md", ok=False)


def test_every_row_is_in_a_table(tables):
    """By another way than the generator's: what the tables name for programs stands in a row of the pages."""
    rows = "\n".join(line for page in GENERATED for line in text(page).splitlines() if line.startswith(("| ", "### ")))
    wanted = [f["name"] for f in tables["fields"]] + [f["field"] for f in tables["anomalies"]] + [f["expert"] for f in tables["notes"]]
    wanted += [w["text"] for words in tables["enumerations"].values() for w in words] + [p["name"] for p in tables["preferences"]]
    wanted += [r["command"] for r in tables["reports"]] + [c["key"] for r in tables["reports"] for c in r["columns"] if "key" in c]
    assert len(wanted) > 200 and [name for name in wanted if f"`{name}`" not in rows] == []


# Names and filters


@pytest.mark.parametrize("page", pages.PAGES, ids=name_of)
def test_every_named_field_is_declared(page, fields, preferences):
    named = set(re.findall(r"(?<![\w./-])tcphs(?:\.[a-z0-9_]+)+", text(page)))
    assert named - fields - preferences - PARENTS_OF_NAMES - FILES - DECODE_AS == set()


def filters(preferences):
    """Code spans and -Y arguments that are display filters; NAME, *, … and "N" stand for something else."""
    spans = set()
    for page in pages.PAGES:
        spans |= set(re.findall(r"`(!?tcphs\.[^`\n]+)`", text(page))) | set(re.findall(r"-Y '([^'\n]+)'", text(page)))
    return sorted(s for s in spans if s not in preferences | FILES | {"tcphs.conn"} and not re.search(r"NAME|\*|…|== N$|\.$", s))


@pytest.mark.skipif("TCPHS_PLUGIN" not in os.environ, reason="TCPHS_PLUGIN is not set")
def test_every_filter_compiles(preferences):
    import harness
    for host in harness.installed():
        with harness.Sharkd(host) as sharkd:
            def refused(display_filter):
                try:
                    sharkd.ask("check", filter=display_filter)
                except AssertionError as error:
                    return str(error)
                return None
            assert refused("tcphs.nosuch")
            asked = filters(preferences)
            assert len(asked) > 80 and {f: refused(f) for f in asked if refused(f)} == {}


# Commands


@pytest.mark.parametrize("name", ["run", "test"])
def test_a_command_of_the_readme_is_one_block(name):
    done = subprocess.run(["sh", "-n"], input=pages.command(pages.README, name), text=True, capture_output=True, check=False)
    assert done.returncode == 0 and pages.command(pages.README, name).strip(), done.stderr


@pytest.mark.parametrize("page", pages.PAGES, ids=name_of)
def test_a_shown_command_has_an_output(page):
    assert [command for command, output in pages.shown(page) if not output.strip()] == []


# Links


def slug(heading):
    """The anchor that Markdown readers make of a heading: lower case, punctuation dropped, spaces to hyphens."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def anchors(page):
    without_code = re.sub(r"^```.*?^```$", "", text(page), flags=re.M | re.S)
    found = collections.Counter()
    for heading in re.findall(r"^#+ (.*)$", without_code, re.M):
        found[slug(heading)] += 1
    assert [name for name, count in found.items() if count > 1] == [], f"{page}: a heading twice has no anchor of its own"
    return set(found)


def links(page):
    without_code = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text(page), flags=re.M | re.S)
    return re.findall(r"\]\(([^)\s]+)\)", without_code)


def broken(page, link):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(target)


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_every_link_leads_somewhere(page):
    assert [link for link in links(page) if not re.match(r"https?://", link) and broken(page, link)] == []


def test_every_page_is_reached_from_the_first():
    reached, todo = set(), [pages.README]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        todo += [target for link in links(page) if (target := (page.parent / link.partition("#")[0]).resolve()).suffix == ".md"]
    assert set(pages.PAGES) - reached == set()


def test_every_picture_is_small_and_shown():
    pictures = {path.resolve() for path in (ROOT / "tests" / "gui").glob("*.png")}
    shown = {(page.parent / link).resolve() for page in pages.PAGES for link in links(page) if link.endswith(".png")}
    assert pictures == shown and [p.name for p in pictures if p.stat().st_size > 300 * 1024] == []
