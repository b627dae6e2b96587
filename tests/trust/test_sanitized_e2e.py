"""The end-to-end tests again with a plugin built with AddressSanitizer and UndefinedBehaviorSanitizer, in real tshark and sharkd.

The short form takes those that read the most different packets; with TCPHS_TRUST_SECONDS above an hour, all that need no window.
"""
import os
import subprocess
import sys

from conftest import ROOT, sanitizer_env

SHORT = ["test_golden.py", "test_tunnels.py", "test_gaps.py"]
NOT_HERE = ["test_gui.py", "test_install.py", "test_loaded.py", "test_lossy_path.py", "test_readme.py"]  # windows, installs, limits of memory
AN_HOUR = 3600


def test_unit_tests(sanitized):
    done = run("ctest", "--test-dir", sanitized, "-L", "unit", "--output-on-failure")
    assert "100% tests passed" in done.stdout


def test_end_to_end(sanitized, seconds):
    folder = ROOT / "tests" / "e2e"
    chosen = SHORT if seconds < AN_HOUR else sorted(p.name for p in folder.glob("test_*.py") if p.name not in NOT_HERE)
    env = sanitizer_env()
    env = dict(os.environ, **env, TCPHS_PRELOAD=env["LD_PRELOAD"], TCPHS_PLUGIN=str(sanitized / "plugin" / "tcphs.so"))
    del env["LD_PRELOAD"], env["WIRESHARK_DATA_DIR"]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *(folder / name for name in chosen)], env=env,
                          capture_output=True, text=True, errors="replace", cwd=ROOT)
    assert done.returncode == 0, done.stdout[-8000:]
    assert "Sanitizer" not in done.stdout and "runtime error" not in done.stdout
