"""clang-tidy and cppcheck find nothing in our C code; what they are asked for and why stands in .clang-tidy and below."""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess

import pytest

from conftest import BUILD, ROOT, built, needs

# GLib's test macros and attributes, which cppcheck cannot take apart.
MACROS = ("-DG_NORETURN=_Noreturn", "-DG_GNUC_PRINTF(a,b)=", '-DG_GINT64_FORMAT="ld"')
# GLib ends the program where there is no memory; an assertion may look at a string; that an analysis has a limit is no finding.
NO_FAULTS = ("nullPointerOutOfMemory", "nullPointerArithmeticOutOfMemory", "assertWithSideEffect", "normalCheckLevelMaxBranches")


@pytest.fixture(scope="module")
def database():
    """A compile database of plugin and tests, without a build."""
    needs("clang-tidy", "cppcheck")
    return built("analysed", "-DTCPHS_WERROR=OFF", targets=["help"])


def sources(database):
    return sorted({entry["file"] for entry in json.loads((database / "compile_commands.json").read_text())})


def complaint(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=BUILD)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_clang_tidy(database):
    files = sources(database)
    assert len(files) > 30
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = [text for text in pool.map(lambda f: complaint(["clang-tidy", "-p", database, "--quiet", f]), files) if text]
    assert not found, "\n".join(found)[-8000:]


def test_cppcheck(database):
    """Style is left to clang-format and review; unknown macros would otherwise end the analysis of a file."""
    text = complaint(["cppcheck", f"--project={database / 'compile_commands.json'}", "--library=gtk", *MACROS, "--enable=warning,performance,portability",
                      *(f"--suppress={name}" for name in NO_FAULTS), "--inline-suppr", "--quiet", "--suppress=*:/usr/*", "--std=c11", "--error-exitcode=1"])
    assert not text, text[-8000:]


def test_no_compiler_has_to_be_gcc(database):
    """The plugin is C11 and nothing else: other compilers build it in Wireshark's source tree (plugin/doc/in-tree.md)."""
    found = []
    for entry in json.loads((database / "compile_commands.json").read_text()):
        if not entry["file"].startswith(str(ROOT / "plugin")):
            continue
        headers = re.findall(r"(?:-I|-isystem )\S+|-D\S+", entry["command"])
        kept = [word for flag in headers for word in shlex.split(flag)]
        found.append(complaint(["clang", "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *kept, entry["file"]]))
    assert len(found) > 50 and not any(found), "\n".join(found)[-8000:]


def test_they_would_find_something(database, tmp_path):
    """An analyser that reads nothing is content with everything."""
    fault = tmp_path / "fault.c"
    fault.write_text("int f(int n);\nint f(int n)\n{\n    int a[2] = { 0, 1 };\n    if (n == 1)\n        return a[2];\n    return 0;\n}\n")
    assert complaint(["clang-tidy", f"--config-file={ROOT / '.clang-tidy'}", "--quiet", fault, "--", "-std=c11"])
    assert complaint(["cppcheck", "--quiet", "--error-exitcode=1", fault])
