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


def wait_for(what, seconds, label):
    """Polls: there is no event to wait for across three programs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.2)
    pytest.fail(f"{label}: not within {seconds} s")


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
    server.wait(10)


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


@pytest.mark.parametrize("options", [[], ["-R", "!(tcp.checksum & 1)"]], ids=["plain", "read filter"])
def test_wireshark_opens_filters_and_closes(host, samples, screen, tmp_path, options):
    display, pixels = screen
    capture, output = max(samples, key=lambda p: p.stat().st_size), tmp_path / "wireshark.log"
    with output.open("w") as log:
        program = start(host, display, capture, log, *options)
        try:
            window = wait_for(lambda: program.poll() is None and windows(display, capture.name), 40, "window")[0]
            press(display, window, "Tab", "ctrl+Home", "Down", "ctrl+r")
            time.sleep(2)
            assert program.poll() is None, f"Wireshark ended by itself with {program.returncode}: {output.read_text()[-800:]}"
            width, height, rows = read_xwd(pixels)
            write_png(tmp_path / "wireshark.png", width, height, rows)
            press(display, window, "ctrl+q")
            code = program.wait(20)
        finally:
            program.kill()
    text = output.read_text()
    assert code == 0, text[-800:]
    assert (width, height) == (WIDE, HIGH)
    seen = {row[i:i + 3] for row in rows[::4] for i in range(0, len(row), 12)}
    assert len(seen) > MANY_COLOURS, "the screen is empty"
    loud = [l for l in text.splitlines() if "tcphs" in l.lower() or "critical" in l.lower() or "assert" in l.lower()]
    assert loud == []


def test_screenshot_reader(tmp_path):
    """The reader of the frame buffer is code of ours: two pixels, red and blue."""
    head = struct.pack(">25I", 100, 7, 2, 24, 2, 1, 0, 0, 32, 0, 32, 32, 8, 4, 0, 0, 0, 8, 0, 0, 2, 1, 0, 0, 0)
    path = Path(tmp_path) / "two.xwd"
    path.write_bytes(head + b"\x00\x00\xff\x00" + b"\xff\x00\x00\x00")
    assert read_xwd(path) == (2, 1, [b"\xff\x00\x00\x00\x00\xff"])
