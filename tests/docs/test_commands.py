"""What stands around the tests: the list of packages they need, and CTest's last words."""
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import skipped  # noqa: E402

LOG = """\
7/9 Testing: e2e-live
Command: "pytest"
4 passed, 2 skipped in 1.00s
SKIPPED [2] tests/e2e/test_live.py:146: needs root
8/9 Testing: e2e-window
SKIPPED [1] tests/e2e/test_window.py:140: needs root
SKIPPED [3] tests/e2e/test_window.py:27: not installed: xclip: see tests/install-packages
SKIPPED [1] tests/docs/test_compare.py: no Suricata
9/9 Testing: trust-matrix
matrix: skipped: needs debootstrap
"""


def test_each_reason_is_said_once():
    assert skipped.reasons(LOG) == {
        "needs root": [3, ["e2e-live", "e2e-window"]], "not installed: xclip: see tests/install-packages": [3, ["e2e-window"]],
        "no Suricata": [1, ["e2e-window"]], "needs debootstrap": [1, ["trust-matrix"]]}
    assert skipped.reasons("7/9 Testing: e2e-live\n4 passed in 1.00s\n") == {}


def test_a_package_is_listed_once():
    text = (TESTS / "install-packages").read_text()
    lists = [body.split() for body in re.findall(r'^(?:packages|long)="([^"$]*)"', text, re.M)]
    assert len(lists) == 2 and not set(lists[0]) & set(lists[1])
    assert all(len(words) == len(set(words)) > 5 for words in lists)
    long_only = {"postgresql", "jq", "clang", "valgrind", "debootstrap", "cppcheck"}
    assert long_only <= set(lists[1]), "what the long run alone needs"


def test_the_script_takes_no_other_word():
    done = subprocess.run([str(TESTS / "install-packages"), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--long" in done.stderr
