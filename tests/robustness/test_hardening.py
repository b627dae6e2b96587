"""The protections that the build asks for are in the shared object, and nothing of it is visible but what Wireshark asks of a plugin."""
import os
import platform

import pytest

from conftest import ROOT, needs, run

PLUGIN = os.environ.get("TCPHS_PLUGIN", ROOT / "build" / "plugin" / "tcphs.so")
EXPORTED = {"plugin_describe", "plugin_register", "plugin_version", "plugin_want_major", "plugin_want_minor"}


@pytest.fixture(autouse=True)
def tools():
    needs("readelf", "objdump", "nm")


def test_read_only_after_loading():
    dynamic, headers = run("readelf", "-dW", PLUGIN).stdout, run("readelf", "-lW", PLUGIN).stdout
    assert "BIND_NOW" in dynamic and "GNU_RELRO" in headers
    assert "TEXTREL" not in dynamic and "RPATH" not in dynamic


def test_no_page_is_writable_and_executable():
    headers = run("readelf", "-lW", PLUGIN).stdout.splitlines()
    stack = [line for line in headers if "GNU_STACK" in line]
    assert len(stack) == 1 and " RWE " not in stack[0]
    assert not [line for line in headers if "LOAD" in line and " RWE " in line]


def test_stack_and_buffers_are_guarded():
    wanted = run("readelf", "--dyn-syms", "-W", PLUGIN).stdout
    assert "__stack_chk_fail" in wanted
    assert "__fprintf_chk" in wanted, "fortified calls are used where there are any"


def test_jump_targets_are_marked():
    if platform.machine() == "x86_64":
        assert run("objdump", "-d", PLUGIN).stdout.count("endbr64") > 100


def test_only_the_entry_points_are_exported():
    names = {line.split()[-1] for line in run("nm", "-D", "--defined-only", PLUGIN).stdout.splitlines()}
    assert names <= EXPORTED and "plugin_register" in names
