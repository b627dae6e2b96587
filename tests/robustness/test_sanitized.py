"""The unit tests, and the end-to-end tests in real tshark and sharkd, with AddressSanitizer and UndefinedBehaviorSanitizer.

Not those that need a window or none of tcphs's code. With TCPHS_TRUST_SECONDS from ten minutes on all others run, and an allocation from
the system stands for each from the host's memory pools, so that no byte beyond one goes unseen. Otherwise those of the default run do that
reach code which no other reaches, and the pools are out of the way only of those that show the most different packets, reports and ways to ask.
"""
import os
import re
import subprocess
import sys

import pytest

import draws
from conftest import ROOT, SANITIZER_OPTIONS, run, run_times

LONG = 600
STRICT = ["e2e/test_golden.py::test_samples_read_as_they_did[two]", "e2e/test_tunnels.py", "e2e/test_reports.py", "e2e/test_bad_input.py",
          "coexistence/test_coexistence.py::test_files_one_after_another_in_one_sharkd", "coexistence/test_coexistence.py::test_preferences_changed_while_a_file_is_open",
          "coexistence/test_coexistence.py::test_preferences_of_the_next_file"]
SHORT = ["-m", "not trust"]
# Read the same packets in the same ways as others do: left out of the short form.
NOTHING_NEW = {f"test_{name}.py" for name in ("descriptions", "exit", "filters", "gaps", "live", "monitor", "profile", "recipes", "samples")}
# Windows; what is installed or documented, and no program at all; limits of time and memory.
NOT_HERE = {"test_gui.py", "test_window.py", "test_install.py", "test_readme.py", "test_loaded.py", "test_lossy_path.py"}


def run_sanitized(sanitized, chosen, dropped=()):
    """Runs end-to-end tests with a host that has the sanitizers; how many of them passed. dropped: what of the host's environment is left out."""
    env = dict(os.environ, **SANITIZER_OPTIONS, TCPHS_PRELOAD=run_times(), TCPHS_PLUGIN=str(sanitized / "plugin" / "tcphs.so"))
    env = {name: value for name, value in env.items() if name not in dropped}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--maxfail=3", "--durations=8", *map(str, chosen)], env=env,
                          capture_output=True, text=True, errors="replace", cwd=ROOT)
    print(done.stdout[-2000:])
    assert done.returncode == 0, done.stdout[-8000:]
    return int(re.search(r"(\d+) passed", done.stdout).group(1))


def test_unit_tests(sanitized):
    """What the test programs themselves leave to the end of the process is no leak of ours."""
    done = run("ctest", "--test-dir", sanitized, "-L", "unit", "--output-on-failure", env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    assert "100% tests passed" in done.stdout


def test_end_to_end(sanitized):
    """Some of the tests want the host's names and dictionaries."""
    tests = ROOT / "tests"
    chosen = [*sorted(p for p in (tests / "e2e").glob("test_*.py") if p.name not in NOT_HERE), tests / "coexistence" / "test_coexistence.py"]
    if draws.SECONDS >= LONG:
        assert run_sanitized(sanitized, chosen, ["WIRESHARK_DATA_DIR"]) > 500
        return
    dropped = ["WIRESHARK_DATA_DIR", "WIRESHARK_DEBUG_WMEM_OVERRIDE"]
    chosen = [path for path in chosen if path.name not in NOTHING_NEW]
    assert run_sanitized(sanitized, [*SHORT, *chosen, *(f"--deselect=tests/{name}" for name in STRICT)], dropped) > 60


def test_end_to_end_without_pools(sanitized):
    if draws.SECONDS >= LONG:
        pytest.skip("all are run without pools")
    assert run_sanitized(sanitized, [*SHORT, *(ROOT / "tests" / name for name in STRICT)]) > 50
