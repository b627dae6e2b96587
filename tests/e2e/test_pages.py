"""Every command shown with "$" in README.md and plugin/doc, run in a shell as it stands there, prints what is shown under it.

`--update-golden` rewrites the outputs of the pages. Leaves to others: the blocks with a marker of their own (test_readme.py,
test_recipes.py, test_scripts.py, test_many_machines.py) and names, links and tables (tests/docs).
"""
import os
import re
import shutil

import pytest

import pages
from harness import ROOT, SAMPLES, in_parallel

SHOWN = [(page, command, output) for page in pages.PAGES for command, output in pages.shown(page)]
OF_THE_HOST = {"-C \"TCP Handshake\"": (4, 0), "-e communityid ": (4, 4)}   # up to which version the host itself prints it so


@pytest.fixture(scope="module")
def printed(host, request):
    """command -> what it did, run where the captures stand under the name the pages use, this host's programs first in PATH."""
    place = host.folder("pages")
    (place / "sample-captures").symlink_to(host.folder("captures"))
    for capture in SAMPLES.glob("*.pcap*"):
        host.place(capture)
    for profile in (ROOT / "plugin" / "profile").iterdir():
        folder = host.folder(".config", "wireshark", "profiles", profile.name)
        for path in profile.iterdir():
            shutil.copy(path, folder)
    env = dict(host.env, PATH=os.path.dirname(shutil.which(host.tshark)) + ":" + os.environ["PATH"])
    commands = sorted({command for _, command, _ in SHOWN})
    done = dict(zip(commands, in_parallel(lambda c: host.run("sh", "-c", f'cd "$0" && {c}', place, env=env), commands)))
    for page in pages.PAGES if request.config.getoption("--update-golden") else []:
        page.write_text(pages.with_outputs(page, {command: run.stdout for command, run in done.items()}))
    return done


def test_there_are_enough():
    assert len(SHOWN) >= 70 and {"README.md", "recipes.md", "reports.md", "scripts.md"} <= {page.name for page, _, _ in SHOWN}


@pytest.mark.parametrize("page, command, output", SHOWN, ids=[f"{p.stem} {i} {c[:40]}" for i, (p, c, _) in enumerate(SHOWN)])
def test_prints_what_is_shown(host, printed, page, command, output):
    if any(part in command and host.version[:2] > last for part, last in OF_THE_HOST.items()):
        pytest.skip("a later Wireshark prints its own values in another way")
    done = printed[command]
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert output.strip(), "a command that prints nothing shows nothing"
    assert done.stdout == output


def test_every_named_capture_is_there():
    named = {name for page in pages.PAGES for name in re.findall(r"sample-captures/([\w.-]+\.pcap(?:ng)?)", page.read_text())}
    assert len(named) >= 10 and [name for name in sorted(named) if not (SAMPLES / name).exists()] == []
