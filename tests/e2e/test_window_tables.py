"""The tables under Statistics in a real window: what a person copies out of them is what programs get, cell for cell.

Leaves to others: what the values ought to be (test_reports.py). Skipped where Wireshark, Xvfb, openbox, xdotool or xclip are not installed.
"""
import csv
import io
import re

import pytest

import harness
from test_gui import programs, screen, windows  # noqa: F401 - fixtures
from test_reports import TITLES, as_shown, as_value, ordered, report
from window import Window, missing

NAMES = {"conn": "Connections", "server": "Servers", "client": "Clients"}
COPY = (237, 24)  # the button's middle, from the right and the lower edge of the window


@pytest.fixture(autouse=True)
def needed(host):
    if missing(host):
        pytest.skip("not installed: " + " ".join(missing(host)))


def programs_rows(host, name, capture):
    """The rows of a report as TSV."""
    lines = [l for l in report(host, name, capture, fmt="tsv").splitlines() if not l.startswith("#")]
    return list(csv.DictReader(io.StringIO("\n".join(lines)), delimiter="\t", quoting=csv.QUOTE_NONE))


def as_copied(title, text):
    """What a copied cell must say where the TSV says that."""
    number = title.endswith(" ms") or title == "Failed %"
    return str(as_shown(title, float(text) if number and text else text or None))


@pytest.mark.parametrize("name", NAMES)
def test_a_copied_table_is_whole(host, screen, tmp_path, name):  # noqa: F811
    """Every row has a cell for each column, and each cell is what the TSV says, whatever is absent in between."""
    capture = host.place(harness.SAMPLES / "showcase.pcapng")
    with Window(host, screen, tmp_path, "-r", capture, "-z", f"tcphs,{name}") as window:
        table = window.found(f"TCP Handshake: {NAMES[name]}")

        def copy():
            _, _, width, height = window.place(table)
            window.do("windowraise", table, "mousemove", "--window", table, width - COPY[0], height - COPY[1], "click", 1)
        window.own_clipboard()
        head = re.compile(rf"^\s*{next(iter(TITLES[name]))}\b", re.MULTILINE)    # absent until the table has rows
        window.again(copy, lambda: NAMES[name] in window.clipboard() and head.search(window.clipboard()), "copied")
        lines = [line.strip() for line in window.clipboard().splitlines() if line.strip()]
    rows = programs_rows(host, name, capture)
    start = next(i for i, line in enumerate(lines) if head.match(line))
    titles = re.split(r" {2,}", lines[start])
    cells = [re.split(r" {2,}", line) for line in lines[start + 1:] if set(line) - set("-=")]
    assert set(titles) - {"Start", "Agreed"} == set(TITLES[name])
    assert [len(row) for row in cells] == [len(titles)] * len(rows)
    shown = [{t: str(as_value(t, c)) for t, c in zip(titles, row) if t in TITLES[name]} for row in cells]
    wanted = [{t: as_copied(t, row[key]) for t, key in TITLES[name].items()} for row in rows]
    assert ordered(shown) == ordered(wanted)
