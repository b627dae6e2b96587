"""Wireshark itself opens a capture with the plugin, filters by a tcphs field and closes again, on a virtual screen.

Leaves to others: what the fields say. Skipped where Wireshark, Xvfb or xdotool are not installed.
"""
import os
import shutil
import struct
import subprocess
import time
import zlib
from pathlib import Path

import pytest

WIDE, HIGH = 1280, 800
MANY_COLOURS = 16  # an empty or crashed window shows fewer
LONG = 300  # seconds; a machine may be busy with other tests
A_WHILE = 8


def polled(what, seconds):
    """The first answer of what() that holds, or the last: there is no event to wait for across three programs."""
    end = time.monotonic() + seconds
    value = what()
    while not value and time.monotonic() < end:
        time.sleep(0.2)
        value = what()
    return value


def wait_for(what, label):
    value = polled(what, LONG)
    assert value, f"{label}: not within {LONG} s"
    return value


def again(act, what, label):
    """Acts, waits a while for what() to hold, and acts again if it does not: a busy screen loses keys."""
    def tried():
        act()
        return polled(what, A_WHILE)
    return wait_for(tried, label)


@pytest.fixture
def programs(host):
    missing = [p for p in (host.wireshark, "Xvfb", "xdotool") if not shutil.which(p)]
    if missing:
        pytest.skip("not installed: " + " ".join(missing))


@pytest.fixture
def screen(programs, tmp_path):
    """A virtual screen whose pixels lie in a file, so that a screenshot needs no further program."""
    read_end, write_end = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{WIDE}x{HIGH}x24", "-fbdir", str(tmp_path), "-ac",
                               "-nolisten", "tcp"], pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}", tmp_path / "Xvfb_screen0"
    server.terminate()
    server.wait(LONG)


def read_xwd(path):
    """Width, height and RGB rows of an XWD file with 32 bits a pixel, as Xvfb keeps it."""
    raw = path.read_bytes()
    head = struct.unpack(">25I", raw[:100])
    size, width, height, line, colours = head[0], head[4], head[5], head[12], head[19]
    start = size + 12 * colours
    rows = []
    for y in range(height):
        row = raw[start + y * line:start + y * line + 4 * width]
        rgb = bytearray(3 * width)
        rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(bytes(rgb))
    return width, height, rows


def write_png(path, width, height, rows):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    pixels = zlib.compress(b"".join(b"\0" + r for r in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", pixels)
                     + chunk(b"IEND", b""))


def start(host, display, capture, log, *options):
    run_dir = host.folder("run")
    run_dir.chmod(0o700)
    env = dict(host.env, DISPLAY=display, QT_QPA_PLATFORM="xcb", XDG_RUNTIME_DIR=str(run_dir), QT_ACCESSIBILITY="0")
    args = [host.wireshark, "-r", str(capture), "-Y", "tcphs.stage", *options, "-o", "gui.update.enabled:FALSE", "-o", "gui.ask_unsaved:FALSE",
            "-o", 'gui.column.format:"No.","%m","Stage","%Cus:tcphs.stage","Verdict","%Cus:tcphs.conn.verdict","Info","%i"']
    return subprocess.Popen(args, env=env, preexec_fn=host.drop, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                            cwd=host.home)


def windows(display, title):
    found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", title], env=dict(os.environ, DISPLAY=display), capture_output=True,
                           text=True)
    return found.stdout.split()


def press(display, window, *keys):
    for key in keys:
        subprocess.run(["xdotool", "windowfocus", window, "key", "--clearmodifiers", key], env=dict(os.environ, DISPLAY=display), check=False,
                       capture_output=True)
        time.sleep(0.3)


def opened(program, display, title):
    return wait_for(lambda: program.poll() is None and windows(display, title), f"window '{title}'")[0]


def ended(program, display, window):
    """Closes Wireshark by its key; its exit code."""
    again(lambda: press(display, window, "ctrl+q"), lambda: program.poll() is not None, "end of Wireshark")
    return program.returncode


def loud_lines(text):
    """What Wireshark should not have had to say."""
    return [l for l in text.splitlines() if "tcphs" in l.lower() or "critical" in l.lower() or "assert" in l.lower()]


def colours(pixels):
    width, height, rows = read_xwd(pixels)
    assert (width, height) == (WIDE, HIGH)
    return {row[i:i + 3] for row in rows[::4] for i in range(0, len(row), 12)}


@pytest.mark.parametrize("options", [[], ["-R", "!(tcp.checksum & 1)"]], ids=["plain", "read filter"])
def test_wireshark_opens_filters_and_closes(host, samples, screen, tmp_path, options):
    display, pixels = screen
    capture, output = max(samples, key=lambda p: p.stat().st_size), tmp_path / "wireshark.log"
    with output.open("w") as log:
        program = start(host, display, capture, log, *options)
        try:
            window = opened(program, display, capture.name)
            press(display, window, "Tab", "ctrl+Home", "Down", "ctrl+r")
            wait_for(lambda: len(colours(pixels)) > MANY_COLOURS, "something on the screen")
            assert program.poll() is None, f"Wireshark ended by itself with {program.returncode}: {output.read_text()[-800:]}"
            write_png(tmp_path / "wireshark.png", *read_xwd(pixels))
            code = ended(program, display, window)
        finally:
            program.kill()
    text = output.read_text()
    assert code == 0, text[-800:]
    assert loud_lines(text) == []


@pytest.mark.parametrize("name, title", [("conn", "Connections"), ("server", "Servers"), ("client", "Clients")])
def test_statistics_windows(host, samples, screen, tmp_path, name, title):
    """A table opens by name, the overview by its menu entry, the last under Statistics. Then all of them close."""
    display, _ = screen
    capture, output = next(p for p in samples if p.name == "showcase.pcapng"), tmp_path / "wireshark.log"
    with output.open("w") as log:
        program = start(host, display, capture, log, "-z", f"tcphs,{name}")
        try:
            table = opened(program, display, f"TCP Handshake: {title}")
            window = opened(program, display, f"^{capture.name}")
            press(display, table, "Escape")
            overview = again(lambda: press(display, window, "Escape", "Escape", "alt+s", "Up", "Return"),
                             lambda: windows(display, "TCP Handshake: Overview"), "overview")
            press(display, overview[0], "Escape")
            press(display, window, "ctrl+r")  # the file is read again: what the tables knew is gone
            time.sleep(2)
            assert program.poll() is None, output.read_text()[-800:]
            code = ended(program, display, window)
        finally:
            program.kill()
    text = output.read_text()
    assert code == 0, text[-800:]
    assert loud_lines(text) == []


COMPARED = ["tcphs.id", "tcphs.stage", "tcphs.step", "tcphs.from", "tcphs.client.state", "tcphs.server.state", "tcphs.accepted",
            "tcphs.ack.delta", "tcphs.rst.kind", "tcphs.event", "tcphs.explain"]
# A tap runs when the window loads a file and again whenever it filters: each run writes what the window knows of every frame.
DUMP = """
local extract = {}
for name in string.gmatch("NAMES", "%S+") do extract[#extract + 1] = Field.new(name) end
local tap, rows, runs = Listener.new("frame"), {}, 0
function tap.packet(pinfo)
    local row = { tostring(pinfo.number) }
    for _, field in ipairs(extract) do
        local values = {}
        for _, value in ipairs({ field() }) do values[#values + 1] = tostring(value) end
        row[#row + 1] = table.concat(values, ",")
    end
    rows[#rows + 1] = table.concat(row, "\\t")
end
function tap.reset() rows = {} end
function tap.draw()
    if #rows == 0 then return end
    runs = runs + 1
    local out = io.open("PATH" .. runs, "w")
    out:write(table.concat(rows, "\\n"), "\\n")
    out:close()
end
"""


def as_shown(host, capture, *args):
    """The same rows from tshark; booleans as Lua prints them (1 and 0, or true and false, by its version)."""
    wanted = [w for f in ["frame.number", *COMPARED] for w in ("-e", f)]
    lines = host.lines("-r", capture, *args, "-T", "fields", *wanted)
    return [plain_booleans(line) for line in lines]


def plain_booleans(line):
    cells, place = line.split("\t"), 1 + COMPARED.index("tcphs.accepted")
    cells[place] = {"true": "1", "True": "1", "false": "0", "False": "0"}.get(cells[place], cells[place])
    return cells


def dumps_of(dump):
    return sorted(dump.parent.glob(dump.name + ".[0-9]*"))


def has_lua(host):
    return "with lua" in host.run(host.wireshark, "--version").stdout.lower()


@pytest.mark.parametrize("options", [[], ["-R", "!(tcp.checksum & 1)"]], ids=["plain", "read filter"])
def test_window_shows_what_tshark_shows(host, samples, screen, tmp_path, options):
    """Per-segment fields of the window's first load and of its re-filtering equal those of tshark."""
    if not has_lua(host):
        pytest.skip("this Wireshark has no Lua")
    display, _ = screen
    capture = next(p for p in samples if p.name == "showcase.pcapng")
    dump = host.output("gui-dump" + ("-R" if options else ""))
    script = host.output(dump.name + ".lua")
    script.write_text(DUMP.replace("NAMES", " ".join(COMPARED)).replace("PATH", str(dump) + "."))
    script.chmod(0o644)
    with (tmp_path / "wireshark.log").open("w") as log:
        program = start(host, display, capture, log, "-X", f"lua_script:{script}", *options)
        try:
            window = opened(program, display, capture.name)
            wait_for(lambda: dump.with_name(dump.name + ".1").exists(), "first load")
            known = len(dumps_of(dump))
            again(lambda: press(display, window, "ctrl+r"), lambda: len(dumps_of(dump)) > known, "another load, another dump")
            ended(program, display, window)
        finally:
            program.kill()
    loaded = as_shown(host, capture, *(["-2", *options] if options else []))
    reloaded = as_shown(host, capture)  # a reload forgets the read filter
    dumps = dumps_of(dump)
    assert len(dumps) >= 2 and len(loaded) > 10
    for path in dumps:
        shown = [plain_booleans(line) for line in path.read_text().splitlines()]
        assert shown == (loaded if path is dumps[0] or len(shown) == len(loaded) else reloaded), path.name


def test_screenshot_reader(tmp_path):
    """The reader of the frame buffer is code of ours: two pixels, red and blue."""
    head = struct.pack(">25I", 100, 7, 2, 24, 2, 1, 0, 0, 32, 0, 32, 32, 8, 4, 0, 0, 0, 8, 0, 0, 2, 1, 0, 0, 0)
    path = Path(tmp_path) / "two.xwd"
    path.write_bytes(head + b"\x00\x00\xff\x00" + b"\xff\x00\x00\x00")
    assert read_xwd(path) == (2, 1, [b"\xff\x00\x00\x00\x00\xff"])
