"""Drives a Wireshark window on a virtual screen by keys and mouse, and reads back what its packet list shows.

Leaves to others: what it ought to show. Everything is asked for again until it is there, for nothing tells when a window is done.
"""
import os
import re
import shutil
import subprocess
import time

import harness
import profile_files as profile
from test_gui import A_WHILE, LONG, loud_lines, press, read_xwd, windows, write_png

NEEDED = ["Xvfb", "openbox", "xdotool", "xclip"]
IN_THE_LIST = (545, 230)  # a packet's row, in its "Step" cell
UNCOPIED = "nothing was copied"


def missing(host):
    return [name for name in (host.wireshark, *NEEDED) if not shutil.which(name)]


class Window:
    """One running Wireshark with the profile, maximised by a window manager."""

    def __init__(self, host, screen, folder, *options, command=()):
        self.host, self.folder = host, folder
        self.display, self.pixels = screen
        self.env = dict(os.environ, DISPLAY=self.display)
        self.prepare()
        self.log = (folder / "wireshark.log").open("w+")
        self.manager = subprocess.Popen(["openbox", "--replace"], env=dict(self.env, HOME=str(folder)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        env = dict(host.env, DISPLAY=self.display, QT_QPA_PLATFORM="xcb", XDG_RUNTIME_DIR=str(self.private()), QT_ACCESSIBILITY="0")
        args = [*command, host.wireshark, "-C", profile.NAME, "-o", "gui.update.enabled:FALSE", "-o", "gui.ask_unsaved:FALSE", *options]
        self.program = subprocess.Popen([str(a) for a in args], env=env, preexec_fn=None if command else host.drop, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT, cwd=host.home)
        self.main = None

    def prepare(self):
        """Every window starts with the profile as it is shipped: the one before wrote its widths into it."""
        profile.place(self.host)
        recent = self.host.folder(".config", "wireshark") / "recent_common"
        recent.unlink(missing_ok=True)
        recent.write_text("gui.geometry_main_maximized: TRUE\n")
        self.host.give_away(recent)

    def private(self):
        """Qt complains of a runtime folder that others can read."""
        folder = self.host.folder("run")
        folder.chmod(0o700)
        return folder

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.picture("failed")
        for process in (self.program, self.manager):
            process.kill()
            process.wait(LONG)
        self.log.close()

    def said(self):
        self.log.flush()
        return (self.folder / "wireshark.log").read_text()

    def until(self, what, label):
        """The first answer of what() that holds; the window must live meanwhile."""
        end = time.monotonic() + LONG
        while time.monotonic() < end:
            assert self.program.poll() is None, f"{label}: Wireshark ended with {self.program.returncode}: {self.said()[-800:]}"
            value = what()
            if value:
                return value
            time.sleep(0.3)
        raise AssertionError(f"{label}: not within {LONG} s; {self.said()[-400:]}")

    def again(self, act, what, label):
        """Acts, waits a while for what() to hold, and acts again if it does not: a busy screen loses keys."""
        def tried():
            act()
            end = time.monotonic() + A_WHILE
            value = what()
            while not value and time.monotonic() < end and self.program.poll() is None:
                time.sleep(0.3)
                value = what()
            return value
        return self.until(tried, label)

    def gone(self, title):
        """Closes every window of that title."""
        def close():
            for one in windows(self.display, title):
                self.do("windowclose", one)
        self.again(close, lambda: not windows(self.display, title), f"no window '{title}'")

    def opens(self, title, *keys):
        """Presses keys until they have opened a window of that title, and closes it."""
        self.again(lambda: self.keys("Escape", "Escape", *keys), lambda: windows(self.display, title), f"window '{title}'")
        self.gone(title)

    def found(self, title):
        return self.until(lambda: windows(self.display, title), f"window '{title}'")[0]

    def opened(self, name):
        """Waits until the window shows a file of that name."""
        self.main = self.found(f"^{name}")
        return self.main

    def keys(self, *keys):
        press(self.display, self.main, *keys)

    def do(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self.env, check=False, capture_output=True)

    def place(self, window):
        """Where a window is on the screen, about: left, top, width and height. All are 0 if it is gone."""
        done = subprocess.run(["xdotool", "getwindowgeometry", window], env=self.env, capture_output=True, text=True)
        found = re.search(r"Position: (-?\d+),(-?\d+).*\n.*Geometry: (\d+)x(\d+)", done.stdout)
        return tuple(map(int, found.groups())) if found else (0, 0, 0, 0)

    def resident(self):
        """Bytes of memory that the program occupies."""
        return harness.resident(self.program.pid)

    def click_list(self):
        self.do("windowactivate", self.main)
        self.do("mousemove", *IN_THE_LIST, "click", 1)

    def clipboard(self):
        done = subprocess.run(["xclip", "-o", "-selection", "clipboard"], env=self.env, capture_output=True, text=True)
        return done.stdout

    def own_clipboard(self):
        """Takes the clipboard, so that what is in it later was copied since."""
        subprocess.run(["xclip", "-i", "-selection", "clipboard"], env=self.env, input=UNCOPIED, text=True, stdout=subprocess.DEVNULL)

    def copied(self, *choosing):
        """The cells of the chosen rows of the packet list (all, if no keys choose otherwise), as they are displayed."""
        self.own_clipboard()
        self.click_list()
        self.keys("ctrl+Home", *(choosing or ["ctrl+a"]), "ctrl+c")
        text = self.clipboard()
        return [] if text == UNCOPIED else [[cell.strip() for cell in line.split("\t")] for line in text.splitlines()]

    def shows(self, rows, label, act=lambda: None):
        """Acts until the packet list shows exactly these rows; says how it differs if it never does."""
        last = []

        def same():
            last[:] = self.copied()
            return last == rows
        try:
            self.again(act, same, label)
        except AssertionError as error:
            different = [(a, b) for a, b in zip(last, rows) if a != b][:3]
            raise AssertionError(f"{error}: {len(last)} rows instead of {len(rows)}; {different}") from error

    def filter(self, text):
        """Types a display filter and applies it; without text, clears it."""
        self.keys("ctrl+slash", "ctrl+a", "BackSpace")
        if text:
            self.do("type", "--delay", 20, text)
        self.keys("Return")

    def column_of_pixels(self, x):
        """The colours down the screen at x, each run of equal ones once."""
        _, _, rows = read_xwd(self.pixels)
        colours = [row[3 * x:3 * x + 3] for row in rows]
        return [colour for i, colour in enumerate(colours) if i == 0 or colour != colours[i - 1]]

    def is_blank(self, x, top, bottom):
        """Whether nothing is to be seen on the screen at x between top and bottom."""
        _, _, rows = read_xwd(self.pixels)
        return len({row[3 * x:3 * x + 3] for row in rows[top:bottom]}) == 1

    def picture(self, name):
        write_png(self.folder / f"{name}.png", *read_xwd(self.pixels))

    def quit(self):
        """Closes the window as people do, and answers what Wireshark should not have had to say."""
        end = time.monotonic() + LONG
        while self.program.poll() is None and time.monotonic() < end:
            for dialog in windows(self.display, "^Wireshark "):  # while a dialog is open that a busy screen opened late, nothing else has keys
                press(self.display, dialog, "Escape")
            self.click_list()  # Qt may know of no window in focus once it has closed
            self.keys("ctrl+q")
            time.sleep(1)
        left = self.program.poll()
        assert left == 0, f"{'still open' if left is None else f'ended with {left}'}: {self.said()[-800:]}"
        return loud_lines(self.said().replace(str(self.host.home), ""))  # whose name is ours
