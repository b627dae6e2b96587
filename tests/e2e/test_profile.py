"""The Wireshark profile: every filter in it compiles in the running Wireshark, finds what it promises, and colours that people can read.

Leaves to others: how the profile looks in a window (test_window.py).
"""
import itertools
import os
import re
import shutil
import subprocess

import pytest

import harness
import profile_files as profile

# A button, colour rule or macro: the sample capture that shows it, and the frames it finds there in a second pass.
BUTTONS = {
    "Failed": ("showcase.pcapng", [11, 12, 13, 14, 15, 16, 17, 33, 34]),
    "Refused": ("showcase.pcapng", [12, 13]),
    "No answer": ("showcase.pcapng", [11, 33, 34]),
    "Bad ack": ("synack-wrong-ack.pcap", [2]),
    "RST judged": ("showcase.pcapng", [13, 17, 25]),
    "Forged": ("rst-forged-exact.pcap", [8, 9]),
    "Half-open": ("synack-unacknowledged.pcap", [1, 2, 3, 4]),
    "Slow setup": ("synack_lost.pcap", [4]),
    "Scans": ("odd-flag-probes.pcap", [1, 2, 4, 5, 7, 8, 10, 11]),
}
COLOURS = {
    "capture copy": ("span-duplicates.pcap", [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]),
    "forged or ignored RST": ("rst-challenged.pcap", [8, 10, 12]),
    "bad ack": ("synack-wrong-ack.pcap", [2]),
    "failed handshake": ("refused_then_listening.pcap", [1, 2]),
    "abnormal close": ("server-aborts.pcap", [6]),
    "other anomaly": ("psh-without-data.pcap", [6]),
    "half-open": ("synack_lost.pcap", [2, 5]),
    "ok handshake": ("client-closes-first.pcap", [1, 2, 3]),
    "orderly close": ("client-closes-first.pcap", [8, 9, 10, 11]),
}
MACROS = {
    "${forged}": ("rst-forged-exact.pcap", [8, 9]),
    "${half_open}": ("half-open-peer.pcap", [10]),
    "${scans}": ("syn-scan.pcap", [3, 4, 5, 10, 11, 12]),
    "${slower_than:0.2}": ("synack_lost.pcap", [4]),
    "${tries:3}": ("syn-unanswered.pcap", [3]),
    "${to_port:81}": ("showcase.pcapng", [12, 13]),
    "${opened_by:192.0.2.66}": ("showcase.pcapng", [14, 15, 16, 17]),
}
OF_THE_SELECTED_PACKET = "This connection"  # finds nothing where no packet is selected; tried in the window
# What may be found in healthy traffic too: retries and slow paths are no fault, and the last two are what health looks like.
NO_ACCUSATION = {"RST judged", "Slow setup", "half-open", "capture copy", "ok handshake", "orderly close", OF_THE_SELECTED_PACKET}
READABLE = 7.0  # WCAG 2.1, success criterion 1.4.6 (level AAA)
APART = 10.0  # CIE 1976 colour difference; 2.3 is just noticeable
THEMES = {"light theme": (1.0, 1.0, 1.0), "dark theme": (0.118, 0.118, 0.118)}


@pytest.fixture(scope="module", autouse=True)
def placed(host):
    return profile.place(host)


def found(host, capture, expression):
    return host.numbers(host.place(harness.SAMPLES / capture), expression, "-2", "-C", profile.NAME)


def filters():
    return {**profile.buttons(), **{name: expression for name, (expression, _, _) in profile.colours().items()}}


def test_nothing_in_the_profile_is_untried():
    assert set(profile.buttons()) == {*BUTTONS, OF_THE_SELECTED_PACKET}
    assert set(profile.colours()) == set(COLOURS)
    assert set(profile.macros()) == {re.match(r"\$\{(\w+)", use).group(1) for use in MACROS}


def test_every_filter_finds_what_it_promises(host):
    wanted = [(name, filters()[name], *place) for name, place in {**BUTTONS, **COLOURS}.items()]
    wanted += [(use, use, *place) for use, place in MACROS.items()]
    seen = harness.in_parallel(lambda w: (w[0], found(host, w[2], w[1])), wanted)
    assert dict(seen) == {name: frames for name, _, _, frames in wanted}


def test_the_selected_packet_compiles(host):
    """Where no packet is selected, or one of no connection, the list is left as it is."""
    assert found(host, "showcase.pcapng", profile.buttons()[OF_THE_SELECTED_PACKET]) == list(range(1, 35))


def healthy():
    section = re.search(r"## Healthy connections\n(.*?)\n## ", (harness.SAMPLES / "README.md").read_text(), re.S).group(1)
    return re.findall(r"^\| `([\w.-]+)` \|.*Quiet", section, re.M)


@pytest.mark.trust
def test_nothing_accuses_healthy_traffic(host):
    accusing = [expression for name, expression in filters().items() if name not in NO_ACCUSATION]
    assert len(accusing) >= 12 and len(healthy()) >= 15
    every = " || ".join(f"({expression})" for expression in accusing)
    assert {c: n for c, n in zip(healthy(), harness.in_parallel(lambda c: found(host, c, every), healthy())) if n} == {}


def test_macros_are_the_same_in_both_formats():
    assert profile.old_macros() == profile.macros()
    for label, expression in profile.buttons().items():
        name = label.lower().replace("-", "_")
        assert profile.macros().get(name, expression) == expression, f"macro {name} and button {label} differ"


def test_columns(host):
    """Every column that shows a field shows it, and under the right title."""
    fields = profile.custom_fields()
    assert {"Stage", "Step", "Verdict", "Setup", "Anomaly", "In words"} <= set(fields)
    capture = host.place(harness.SAMPLES / "showcase.pcapng")
    for title, field in fields.items():
        assert found(host, "showcase.pcapng", field), title
    lines = host.lines("-r", capture, "-2", "-C", profile.NAME)
    assert len(lines) == 34
    assert re.search(r"^ +3 +0\.010363 +192\.0\.2\.1 40401 192\.0\.2\.2 +80 3 ESTABLISHED established +0\.010363000 40401 .*\[ACK\]", lines[2])
    assert re.search(r"ESTABLISHED established +rst_inexact +40404 .*\[RST\].* The RST of the client at 1038 is challenged, not obeyed: only 38 resets\.$", lines[24])


# What must be readable without scrolling in a window of 1280 pixels, up to where the host draws its map of the list, and the longest of it.
LONGEST = {"No.": "1234567", "Time": "12345.123456", "Source": "192.168.100.100", "Port": "65535", "Destination": "192.168.100.100", "Step": "Step",
           "Stage": "SYN_RECEIVED", "Verdict": "no_final_ack", "Anomaly": "rst_peer_continues", "Setup": "0.010363000",
           "Info": "40404 \u2192 80 [FIN, ACK]"}
LETTER, MARGIN, ARROWS, VISIBLE = 8, 6, 14, 1225  # pixels; the first column also shows which packets belong together


def test_columns_are_wide_enough(host):
    """The host keeps widths in the file recent by format; the sentence comes last, beyond what is visible."""
    widths = re.findall(r"(%[^,]+), (\d+)", profile.rows("recent")[0])
    columns = profile.columns()
    assert [form for form, _ in widths] == [form.removesuffix(":0:R") for _, form in columns]
    needed = {title: LETTER * len(text) + MARGIN + (ARROWS if title == "No." else 0) for title, text in LONGEST.items()}
    at = 0
    for (title, _), (_, width) in zip(columns, widths):
        assert int(width) >= needed.get(title, 0), title
        if title in needed:
            assert at + needed[title] <= VISIBLE, title
        at += int(width)
    assert columns[-1][0] == "In words"


def test_graphs_show_what_they_say(host):
    """Each counts, or takes its value from, the segments that its name promises."""
    frames = {"Attempts, x10": [1, 11, 12, 14, 18], "Established, x10": [3, 20], "Failed, x10": [11, 12, 14], "Resets, x10": [],
              "Setup time, mean ms": [3, 20], "Setup time, longest ms": [3, 20],
              "Half open at the busiest server": [1, 2, 11, 12, 14, 15, 18, 19, 33, 34]}
    assert {name: found(host, "showcase.pcapng", expression) for name, (expression, *_) in profile.graphs().items()} == frames
    for name, (expression, _, axis, field, factor) in profile.graphs().items():
        assert (axis == "Packets") == (field == "") == name.endswith(", x10") and (factor == "10") == name.endswith(", x10"), name
        assert (factor == "1000") == name.endswith(" ms"), name
        if field:
            assert found(host, "showcase.pcapng", f"{expression} && {field}") == frames[name]
    assert found(host, "server-aborts.pcap", profile.graphs()["Resets, x10"][0]) == [6]
    assert profile.plots() == {"Setup time, ms": ("tcphs.step == 3", "tcphs.time.setup"),
                               "Half open at its server": ("tcphs.server.half_open", "tcphs.server.half_open")}


def test_first_rule_that_matches_colours_the_packet(host):
    capture = host.place(harness.SAMPLES / "showcase.pcapng")
    lines = host.lines("-r", capture, "-2", "-C", profile.NAME, "--color", "-T", "fields", "-e", "frame.number", "-e", "frame.coloring_rule.name")
    seen = {int(n): name.removeprefix("TCP Handshake: ") for n, name in (line.split("\t") for line in lines)}
    expected = dict.fromkeys([1, 2, 3, 18, 19, 20], "ok handshake") | dict.fromkeys([8, 9, 10, 30, 31, 32], "orderly close")
    expected |= dict.fromkeys([11, 12, 13, 14, 15, 17, 33, 34], "failed handshake") | {16: "bad ack", 25: "forged or ignored RST"}
    assert {n: name for n, name in seen.items() if name} == expected


def linear(colour):
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]


def luminance(colour):
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.1 contrast ratio, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


# Machado, Oliveira and Fernandes 2009, severity 1.0: what linear light becomes for each kind of eye.
EYES = {
    "ordinary": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def times(matrix, vector):
    return [sum(m * v for m, v in zip(row, vector)) for row in matrix]


def lab(colour, eye):
    """CIE L*a*b* (D65) of a colour as that eye sees it."""
    seen = [min(1, max(0, c)) for c in times(EYES[eye], linear(colour))]
    x, y, z = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (a / w for a, w in zip(times(TO_XYZ, seen), (0.9505, 1, 1.089)))]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one, other, eye):
    return sum((a - b) ** 2 for a, b in zip(lab(one, eye), lab(other, eye))) ** 0.5


def test_colour_arithmetic():
    """Against published values: WCAG's 21 for black on white and 4.54 for #767676, CIE's L* of middle grey, and red that is dark to a protanope."""
    white, black = (1, 1, 1), (0, 0, 0)
    assert round(contrast(white, black), 2) == 21 and round(contrast((0x76 / 255,) * 3, white), 2) == 4.54
    assert round(lab((0x77 / 255,) * 3, "ordinary")[0]) == 50
    assert lab((1, 0, 0), "protanopia")[0] < lab((1, 0, 0), "ordinary")[0] - 8
    assert distance((1, 0, 0), (0.36, 0.33, 0.0), "protanopia") < distance((1, 0, 0), (0.36, 0.33, 0.0), "ordinary") / 3


@pytest.mark.parametrize("name", profile.colours())
def test_text_is_readable(name):
    _, back, front = profile.colours()[name]
    assert contrast(back, front) >= READABLE


def distances():
    """How far any two colours are apart, and each from a row without a colour in both themes, for every eye."""
    backs = {**{name: back for name, (_, back, _) in profile.colours().items()}, **THEMES}
    return {(a, b, eye): distance(backs[a], backs[b], eye) for a, b in itertools.combinations(backs, 2) for eye in EYES}


def test_colours_can_be_told_apart_by_every_eye():
    assert {pair: round(value, 1) for pair, value in distances().items() if value < APART} == {}


def test_its_page_says_what_the_profile_has():
    words = " ".join((harness.ROOT / "plugin" / "doc" / "profile.md").read_text().split())
    assert [label for label in profile.buttons() if label not in words] == []
    assert [name for name in profile.macros() if f"`${{{name}" not in words] == []
    least = min(contrast(back, front) for _, back, front in profile.colours().values())
    assert f"contrast ratio of {int(least * 10) / 10} and more" in words and f"at least {int(min(distances().values()))} apart" in words


def cmake(*args, **env):
    done = subprocess.run(["cmake", *map(str, args)], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def configured(host, folder, where):
    if not shutil.which("cmake"):
        pytest.skip("no cmake here")
    cmake("-G", "Ninja", "-S", harness.ROOT, "-B", folder, f"-DTCPHS_INSTALL={where}", "-DBUILD_TESTING=OFF")
    cmake("--build", folder, "--target", "tcphs_descriptions")
    shutil.copy(host.plugin, folder / "plugin" / "tcphs.so")
    return folder


def shipped():
    return {path.relative_to(profile.FOLDER): path.read_bytes() for path in profile.FOLDER.glob("*/*")}


def installed(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*")}


@pytest.mark.parametrize("config", [".config/wireshark", ".wireshark", "elsewhere/wireshark"])
def test_personal_install(host, tmp_path, config):
    """Into the folder Wireshark itself names; a file that the user changed stays, and none is left after uninstalling."""
    build, home = configured(host, tmp_path / "build", "personal"), tmp_path / "home"
    (home / config).mkdir(parents=True)
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "elsewhere") if config.startswith("elsewhere") else ""}
    cmake("--install", build, **env)
    profiles = home / config / "profiles"
    assert installed(profiles) == shipped() and len(shipped()) >= 6
    changed = profiles / profile.NAME / "recent"
    changed.write_text("the user's own\n")
    assert f"(delete it to get that): {changed}" in cmake("--install", build, **env)
    assert changed.read_text() == "the user's own\n"
    changed.unlink()
    cmake("--install", build, **env)
    changed.write_text("the user's own again\n")
    assert f"Kept, for it was changed since: {changed}" in cmake("--build", build, "--target", "uninstall", **env)
    assert [p for p in profiles.rglob("*") if p.is_file()] == [changed]
    changed.unlink()
    cmake("--install", build, **env)
    cmake("--build", build, "--target", "uninstall", **env)
    assert list(profiles.iterdir()) == []


def test_global_install(host, tmp_path):
    """A staged install puts the profiles where Wireshark looks for everybody's."""
    build, stage = configured(host, tmp_path / "build", "global"), tmp_path / "stage"
    listed = host.run(host.tshark, "-G", "folders").stdout
    folder = next(line.split("\t")[-1] for line in listed.splitlines() if line.startswith("Global configuration:"))
    cmake("--install", build, DESTDIR=str(stage))
    assert installed(stage / folder.lstrip("/") / "profiles") == shipped()
