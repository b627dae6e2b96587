"""The table in plugin/doc/compared.md of what four tools say of the same captures is what they say now; a tool that is not at hand is not asked."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "docs")]

import compare  # noqa: E402


def stored():
    return compare.rows_of(compare.PLACE.search(compare.PAGE.read_text()).group(2))


def test_the_table_is_whole():
    assert list(stored()) == compare.CAPTURES
    assert [name for name, row in stored().items() if len(row) != len(compare.HEAD) or "not yet made" in row or "" in row] == []


@pytest.mark.skipif("TCPHS_PLUGIN" not in os.environ, reason="TCPHS_PLUGIN is not set")
def test_the_tools_still_say_so():
    done = subprocess.run([sys.executable, str(ROOT / "tests/docs/compare.py"), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
