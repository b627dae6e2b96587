"""How the core is built: no ring of includes, headers that declare what their own source defines, one writer of states. And how long the
structs and static variables of core and plugin live, which their comments say."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "plugin" / "core"
SOURCES = sorted(CORE.rglob("*.[ch]"))
WIRESHARK = ROOT / "plugin" / "wireshark"
LIFETIME = re.compile(r"Lifetime: (?:forever|file|frame|one visit|one call|that of )")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def code_of(path):
    """The text of a C file without comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", path.read_text(encoding="utf-8"), flags=re.S)


def module_of(path):
    """A source and its header are one module; a table is one with the files of its name."""
    return str(path.relative_to(CORE).with_suffix(""))


def includes_of(files):
    """Module -> the modules of the core that it includes."""
    graph = {}
    for path, text in files.items():
        own = graph.setdefault(module_of(path), set())
        own |= {module_of(CORE / name) for name in INCLUDE.findall(text) if (CORE / name) in files} - {module_of(path)}
    return graph


def ring_in(graph):
    """Some ring of a graph as a list of its members, or None."""
    state, path = {}, []

    def visit(node):
        state[node] = "open"
        path.append(node)
        for other in sorted(graph.get(node, ())):
            if state.get(other) == "open":
                return path[path.index(other):] + [other]
            found = visit(other) if other not in state else None
            if found:
                return found
        state[node] = "done"
        path.pop()
        return None

    for node in sorted(graph):
        found = visit(node) if node not in state else None
        if found:
            return found
    return None


@pytest.fixture(scope="module")
def texts():
    return {path: path.read_text(encoding="utf-8") for path in [*SOURCES, *CORE.rglob("*.def")]}


def test_no_ring(texts):
    graph = includes_of(texts)
    assert len(graph) > 20 and sum(map(len, graph.values())) > 50, "the includes were not understood"
    assert ring_in(graph) is None


def test_a_ring_is_found():
    assert ring_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert ring_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_headers_declare_what_their_source_defines():
    """Else an include would not show who depends on whom."""
    prototype = re.compile(r"^(?:const )?(?:struct |enum )?\w+ \**(tcphs_\w+)\([^{};]*\);", re.M)
    found = 0
    for header in CORE.rglob("*.h"):
        source = header.with_suffix(".c")
        for name in prototype.findall(code_of(header)):
            found += 1
            assert source.exists() and re.search(rf"^\w[\w *]*\b{name}\([^;{{}}]*\)\n\{{", code_of(source), re.M), f"{header.name}: {name}"
    assert found > 80


def test_the_core_knows_no_host(texts):
    for path, text in texts.items():
        for name in INCLUDE.findall(text):
            assert (CORE / name).exists(), f"{path.name} includes {name}"
        assert not set(re.findall(r"#include <([^>]+)>", text)) - {"stdbool.h", "stddef.h", "stdint.h", "string.h"}, path.name


def test_one_writer_of_states(texts):
    """Else a state would not follow from the table of machine.c alone."""
    write = re.compile(r"(?:->|\.)\s*(?:state|before_rst)\s*(?:=(?!=)|[-+|&^]=|\+\+|--)|&[\w>.\[\]-]*(?:->|\.)(?:state|before_rst)\b(?!\s*\[)")
    assert write.search("c->end[0].state = 1;") and write.search("p = &x->before_rst;") and not write.search("x->state == y->state")
    found = {path.name for path in texts if path.parent.name in ("tcp", "findings") and write.search(code_of(path))}
    assert found == {"process.c"}


def without_lifetime(text):
    """The file-scope static variables, and the structs, of a C file that no comment gives a lifetime: for a variable anywhere in its paragraph,
    which may be of several variables; for a struct right above it."""
    missing = []
    for paragraph in re.split(r"\n\s*\n", text):
        says = LIFETIME.search(re.sub(r"\s*\n \* ", " ", paragraph))
        for line in paragraph.splitlines():
            start = re.match(r"static (?!inline)(?P<type>[^(=;]*?)(?P<end>[=;{]|$)", line)
            is_variable = start and start["end"] and not re.search(r"\bconst [^*]*$", start["type"])
            is_struct = re.match(r"struct \w+ \{$", line)
            if (is_variable or is_struct) and not says:
                missing.append(line)
    return missing


def test_lifetimes_are_said():
    files = sorted([*WIRESHARK.rglob("*.[ch]"), *SOURCES])
    missing = {path.name: found for path in files if (found := without_lifetime(path.read_text(encoding="utf-8")))}
    assert not missing
    assert sum(len(without_lifetime(LIFETIME.sub("", path.read_text(encoding="utf-8")))) for path in files) > 100, "they were not understood"


@pytest.mark.parametrize("text", ["static int n;", "static const char *next = NULL;", "static int a[4], b; /* a note */", "static struct {\n    int n;\n} here;",
                                  "/* Lifetime: file. */\nstatic int a;\n\nstatic int b;", "struct thing {\n    int n;\n};"])
def test_a_missing_lifetime_is_found(text):
    assert len(without_lifetime(text)) == 1


@pytest.mark.parametrize("text", ["static int n; /* Lifetime: forever */", "/* It is long. Lifetime:\n * file. */\nstatic int a;\nstatic int b;", "static const int n = 4;",
                                  "static const char *const names[] = { 0 };", "static int *f(int a)\n{", "static inline int f(void);", "static struct thing *\nof(int a)"])
def test_a_lifetime_is_understood(text):
    assert without_lifetime(text) == []
