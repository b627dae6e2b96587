"""Fixtures of the trust tests: how long they run, the plugin built with sanitizers, and hosts that load it.

Environment: TCPHS_TRUST_BUILD: where they build (default build/trust); and as draws.py says.
"""
import os
import subprocess
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "robustness"), str(ROOT / "tests" / "e2e")]

import draws  # noqa: E402
import harness  # noqa: E402
from installation import bare_host, host  # noqa: E402, F401 - fixtures

BUILD = Path(os.environ.get("TCPHS_TRUST_BUILD", ROOT / "build" / "trust")).absolute()
SANITIZED = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
RUN_TIMES = ("libasan.so", "libubsan.so")


# Without its lists of names (services, manufacturers) the host opens a capture twice as fast, and extcap programs are for interfaces
# only. One allocation from the system stands for each from wmem; where it was made is told by its caller alone, and what was
# freed is watched for 8 MB, not 256: there are millions at the host's start.
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0:malloc_context_size=1:quarantine_size_mb=8", "UBSAN_OPTIONS": "print_stacktrace=1",
                     "WIRESHARK_DEBUG_WMEM_OVERRIDE": "simple", "WIRESHARK_EXTCAP_DIR": "/nonexistent", "WIRESHARK_DATA_DIR": "/nonexistent"}


class SanitizedHost(harness.Host):
    """A host whose programs get the sanitizers' run time."""

    def make_env(self):
        self.preload = run_times()
        return dict(super().make_env(), **SANITIZER_OPTIONS)


def run_times():
    """The shared objects that a plugin built with sanitizers needs in a program built without, and in no program that this one starts."""
    found = [run("gcc", f"-print-file-name={name}").stdout.strip() for name in RUN_TIMES]
    return ":".join([*found, str(BUILD / "sanitized" / "tests" / "trust_alone.so")])


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def built(name, *options, targets=()):
    """A build of its own below BUILD, brought up to date."""
    folder = BUILD / name
    run("cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", *options)
    run("cmake", "--build", folder, *(("--target", *targets) if targets else ()))
    return folder


def needs(*programs):
    """Skips what cannot be done without programs that `tests/install-packages --long` installs."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        pytest.skip("not installed: " + " ".join(missing))


pytest_terminal_summary = draws.pytest_terminal_summary


@pytest.fixture(scope="session")
def sanitized():
    """The build folder of plugin and unit tests under AddressSanitizer and UndefinedBehaviorSanitizer."""
    return built("sanitized", f"-DCMAKE_C_FLAGS={SANITIZED}", "-DTCPHS_HARDENING=OFF", targets=["all", "tests", "trust_alone"])


@pytest.fixture(scope="session")
def sanitized_host(sanitized):
    yield from harness.installed(SanitizedHost, plugin=sanitized / "plugin" / "tcphs.so")


@pytest.fixture(scope="session")
def healthy():
    """Contents of the captures that tests damage."""
    found = sorted(harness.SAMPLES.glob("*.pcap"))
    assert found, f"no captures in {harness.SAMPLES}"
    return [p.read_bytes() for p in found]
