"""Reads the files of a Wireshark profile: columns, colour rules, filter buttons and display-filter macros, each as plain values.

Leaves to others: whether the running Wireshark takes them (test_profile.py, test_window.py).
"""
import re
import shutil

import harness

FOLDER = harness.ROOT / "plugin" / "profile"
NAME = "TCP Handshake"


def text(name, profile=NAME):
    return (FOLDER / profile / name).read_text()


def rows(name, profile=NAME):
    return [line for line in text(name, profile).splitlines() if line and not line.startswith("#")]


def quoted(line):
    """The values of one row of a table of Wireshark's: quoted, with a quote inside written as \\x22."""
    return [value.replace("\\x22", '"') for value in re.findall(r'"([^"]*)"', line)]


def columns():
    """Title and format of every column."""
    values = re.findall(r'"([^"]*)"', "\n".join(rows("preferences")))
    return list(zip(values[::2], values[1::2]))


def custom_fields():
    """Title and field of every column that shows a field."""
    return {title: form.split(":")[1] for title, form in columns() if form.startswith("%Cus:")}


def buttons():
    """Label to filter."""
    found = {label: expression for _, label, expression, _ in map(quoted, rows("dfilter_buttons"))}
    assert len(found) == len(rows("dfilter_buttons"))
    return found


def colours():
    """Name to filter, background and text, in the order in which the rules are tried."""
    found = {}
    for row in rows("colorfilters"):
        name, expression, pair = re.fullmatch(r"@([^@]*)@([^@]*)@(.*)", row).groups()
        back, front = [tuple(int(x) / 65535 for x in three.split(",")) for three in re.findall(r"\[([\d,]+)\]", pair)]
        found[name.removeprefix("TCP Handshake: ")] = (expression, back, front)
    return found


def graphs():
    """Name to filter, colour, Y axis, Y field and factor of every I/O graph."""
    found = {}
    for _, name, expression, colour, _, axis, field, _, factor in map(quoted, rows("io_graphs")):
        found[name] = (expression, colour, axis, field, factor)
    return found


def plots():
    """Name to filter and field of every plot."""
    return {name: (expression, field) for _, _, name, expression, _, _, field, _ in map(quoted, rows("plots"))}


def macros():
    """Name to text, as 4.4 and later read them."""
    return dict(re.fullmatch(r'"(\w+)" (.*)', row).groups() for row in rows("dmacros"))


def old_macros():
    """Name to text, as 4.0 reads them."""
    return dict(map(quoted, rows("dfilter_macros")))


def place(host):
    """The profile in the personal folder of the user who runs the tests."""
    folder = host.folder(".config", "wireshark", "profiles", NAME)
    for source in (FOLDER / NAME).iterdir():
        shutil.copyfile(source, folder / source.name)
        host.give_away(folder / source.name)
        (folder / source.name).chmod(0o644)
    return folder
