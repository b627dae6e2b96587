"""Options and session fixtures of the end-to-end tests: the captures that the installation under test reads."""
import subprocess
import sys

import pytest

import harness
from installation import bare_host, host  # noqa: F401 - fixtures


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="rewrite golden/ and the outputs shown in pages from what the plugin says now")


def pytest_configure(config):
    config.addinivalue_line("markers", "trust: takes long, or draws; runs in CTest's long run only")


def captures_in(folder):
    return sorted(p for p in folder.glob("*.pcap*") if p.is_file())


@pytest.fixture(scope="session")
def samples(host):
    """The project's own captures; without any of them the tests that compare runs would compare nothing."""
    found = [host.place(p) for p in captures_in(harness.SAMPLES)]
    assert found, f"no captures in {harness.SAMPLES}"
    return found


@pytest.fixture(scope="session", params=["some", pytest.param("all", marks=pytest.mark.trust)])
def share(request, samples):
    """Samples for what takes several runs of each: a few, and in the long run all."""
    return samples if request.param == "all" else samples[::25]


@pytest.fixture(scope="session")
def lab(host):
    """The captures of a real kernel, where they stand beside the checkout; may be empty."""
    return [host.place(p, "lab-" + p.name) for p in captures_in(harness.LAB)]


@pytest.fixture(scope="session")
def everything(host, samples, lab):
    """All captures one after the other in one file: reused ports, backward time and several link types come with it.

    A lab capture that is also a sample goes in once: its twin would be a capture copy far from its original, which has a test of its own.
    """
    target = host.output("everything.pcapng")
    content = {p.read_bytes() for p in samples}
    others = [p for p in lab if p.read_bytes() not in content]
    merged = host.run(host.tool("mergecap"), "-a", "-F", "pcapng", "-w", target, *samples, *others)
    assert merged.returncode == 0, merged.stderr
    return target


@pytest.fixture(scope="session")
def declared(host):
    """Every field the running program knows under tcphs: name -> (title, type, blurb)."""
    return {r[2]: (r[1], r[3], r[7]) for r in host.glossary("fields") if r[0] == "F" and r[2].startswith("tcphs.")}


@pytest.fixture
def put(host, request):
    """Writes a capture made by packets.py where the unprivileged user can read it."""
    def write(name, content):
        folder = host.folder("made")
        path = folder / f"{request.node.name[:40].replace('/', '_')}-{name}"
        path.write_bytes(content)
        path.chmod(0o644)
        return path
    return write


@pytest.fixture(scope="session", autouse=True)
def score_process(host, request):
    """The measuring tool takes the longest of all: it starts with the session, beside the other tests, and test_lab collects it."""
    wanted = any("test_lab" in item.nodeid for item in request.session.items)
    if not wanted or not (harness.LAB / "expect.tsv").exists() or not harness.SCORE.exists():
        yield None
        return
    tool = subprocess.Popen([sys.executable, harness.SCORE, "--plugin", host.installed, "--tshark", host.tshark, "-v", harness.LAB],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield tool
    tool.kill()
    tool.communicate()
