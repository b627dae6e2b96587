"""A Wireshark window that lives through change: profiles come and go with other preferences and with tcphs switched off, and a file is
read again and again. The list is always that of a tshark with the same settings, and memory does not grow by what tcphs keeps.

Leaves to others: sharkd and tshark (test_coexistence.py), and a person at the window (tests/e2e/test_window.py).
"""
import shutil
import time

import pytest

import harness
import profile_files as profile
from packets import Capture, Talk
from test_gui import has_lua, programs, screen, windows  # noqa: F401 - fixtures
from test_window import as_listed, needed  # noqa: F401 - fixture
from window import A_WHILE, Window

LOUD, WITHOUT, VERIFYING = "Loud", "Without", "Verifying"  # each profile begins with another letter

RELOADS, WARM, CONNECTIONS = 30, 10, 2000
KEPT = 650_000  # bytes that tcphs keeps of the capture
ALLOWED = (RELOADS - WARM) * KEPT // 2  # the window alone grows by 200 million, and not always by the same


def profile_like_ours(host, name, **changed):
    """A copy of the profile as shipped, with lines added to some of its files."""
    folder = host.folder(".config", "wireshark", "profiles", name)
    for source in (profile.FOLDER / profile.NAME).iterdir():
        shutil.copyfile(source, folder / source.name)
    for file, text in changed.items():
        (folder / file).write_text(((folder / file).read_text() if (folder / file).exists() else "") + text)
    for path in folder.iterdir():
        path.chmod(0o644)
        host.give_away(path)
    return name


def listed_by(host, capture, name):
    lines = host.lines("-r", capture, "-2", "-C", name, "-T", "tabs")
    return [[cell.strip() for cell in line.split("\t") if cell.strip() != "→"] for line in lines]


def choose_profile(window, name):
    """By the dialog of profiles, whose list finds a row by its first letter."""
    window.keys("Escape", "ctrl+shift+a")
    found = windows(window.display, "Configuration Profiles")
    if found:
        window.do("windowfocus", found[0])
        window.do("key", name[0].lower())
        window.do("key", "Return")


def shows_one_protocol(window, dialog):
    """Or a few: nothing is left of the boxes to tick in the lower part of the list."""
    left, top, _, high = window.place(dialog)
    return not window.is_blank(left + 41, top + 20, top + 160) and window.is_blank(left + 41, top + 160, top + high - 140)


def switch(window, on):
    """By the dialog of protocols, whose buttons act on the rows that its search leaves."""
    window.keys("Escape", "Escape", "ctrl+shift+e")
    found = windows(window.display, "Enabled Protocols")
    if not found:
        return
    window.do("windowfocus", found[0])
    window.do("key", "ctrl+a")
    window.do("type", "--delay", 30, "tcphs")
    _, _, wide, high = window.place(found[0])
    end = time.monotonic() + A_WHILE
    while not shows_one_protocol(window, found[0]):
        if time.monotonic() > end:
            return  # the buttons would act on all protocols
        time.sleep(0.3)
    for x, y in ((50 if on else 137, high - 57), (wide - 224, high - 26)):  # Enable All or Disable All, OK
        window.do("mousemove", "--window", found[0], x, y, "click", 1)


def test_switched_off_and_on_again(host, screen, tmp_path):  # noqa: F811
    """While a file is open: nothing of tcphs is left in the list, and then all of it is back. (With a profile that switches it off: below.)"""
    if host.version[:2] != (4, 0):
        pytest.skip("the buttons of its dialog are known by their places in 4.0")
    capture = host.place(harness.SAMPLES / "showcase.pcapng")
    due = {on: as_listed(host, capture, *([] if on else ["--disable-protocol", "tcphs"])) for on in (True, False)}
    assert due[True] != due[False]
    with Window(host, screen, tmp_path, "-r", capture) as window:
        window.opened(capture.name)
        window.shows(due[True], "as it is shipped")
        for on in (False, True):
            window.shows(due[on], f"switched {'on' if on else 'off'}", lambda on=on: switch(window, on))
        window.keys("ctrl+shift+e")  # its dialog may be open when one quits
        assert window.quit() == []


def test_profiles_come_and_go(host, screen, tmp_path):  # noqa: F811
    """While a file is open: the window dissects anew by other preferences, or without tcphs, and so on."""
    capture = host.place(harness.SAMPLES / "showcase.pcapng")
    profile_like_ours(host, LOUD, preferences="\ntcphs.info_column: TRUE\n")
    profile_like_ours(host, WITHOUT, disabled_protos="tcphs\n")
    profile_like_ours(host, VERIFYING, preferences="\ntcp.check_checksum: TRUE\n")
    due = {name: listed_by(host, capture, name) for name in (profile.NAME, LOUD, WITHOUT, VERIFYING)}
    assert len({str(rows) for rows in due.values()}) == 3
    with Window(host, screen, tmp_path, "-r", capture) as window:
        window.opened(capture.name)
        window.shows(due[profile.NAME], "as it is shipped")
        for name in (LOUD, WITHOUT, profile.NAME, VERIFYING):
            window.shows(due[name], f"profile {name}", lambda name=name: choose_profile(window, name))
        assert window.quit() == []



COUNT = """
local tap, loads = Listener.new("frame"), 0
function tap.packet() end
function tap.reset() end
function tap.draw()
    loads = loads + 1
    local out = io.open("PATH", "w")
    out:write(loads)
    out:close()
end
"""


def grown(host, screen, folder, capture):  # noqa: F811
    """How much larger a window is after RELOADS of a file than after the first WARM ones."""
    counter, script = host.output("loads"), host.output("loads.lua")
    script.write_text(COUNT.replace("PATH", str(counter)))
    script.chmod(0o644)
    plain = host.folder(".config", "wireshark", "profiles", "Plain").name
    sizes = []
    with Window(host, screen, folder, "-C", plain, "-X", f"lua_script:{script}", "-r", capture) as window:
        window.opened(capture.name)
        for i in range(RELOADS):
            before = counter.read_text() if counter.exists() else ""
            window.again(lambda: window.keys("ctrl+r"), lambda: counter.read_text() not in ("", before), f"reload {i}")
            if i in (WARM, RELOADS - 1):
                sizes.append(window.resident())
        assert window.quit() == []
    return sizes[1] - sizes[0]


def test_a_file_read_again_and_again_takes_no_more_memory(host, bare_host, screen, put, tmp_path):  # noqa: F811
    if not has_lua(host):
        pytest.skip("this Wireshark has no Lua")
    cap = Capture()
    for i in range(CONNECTIONS):
        Talk(cap, 1024 + i).c("S")
    capture = put("syns.pcap", cap.bytes())
    for _ in range(2):  # what leaks does so every time
        theirs = grown(bare_host, screen, tmp_path, bare_host.place(capture))
        ours = grown(host, screen, tmp_path, capture)
        print(f"{RELOADS - WARM} reloads: grown by {ours} bytes, without tcphs by {theirs}")
        if ours - theirs < ALLOWED:
            return
    pytest.fail(f"grown by {ours} bytes, without tcphs by {theirs}, twice")
