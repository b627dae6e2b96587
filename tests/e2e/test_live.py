"""tshark and dumpcap on a live interface, with real connections: one line comes out for each connection while the capture runs.

The interface is the loopback of a network namespace that the tests make; the programs keep the two capabilities that capturing
needs and run as the unprivileged user of the harness. Needs root; elsewhere the tests say "skipped". The commands are those of
README.md and plugin/doc/recipes.md, with lo for eth0.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness import NOBODY, ROOT, SAMPLES

sys.path.insert(0, str(SAMPLES))
from netlab import Host      # noqa: E402

PATIENCE = 300      # a machine that runs all tests at once takes a minute to start a tshark
PROBE, SERVICE, CLOSED = 7000, 8000, 8001
CAPABILITIES = "-all,+net_raw,+net_admin"
README = (ROOT / "README.md").read_text()
RECIPES = (ROOT / "plugin" / "doc" / "recipes.md").read_text()


def command_in(text, pattern):
    found = re.search(pattern, text, re.S)
    assert found, f"no command like {pattern}"
    return " ".join(found.group(1).split())


class Net:
    """A namespace with a loopback, servers on it, and programs started inside."""

    def __init__(self, host):
        self.host, self.space = host, Host()
        self.listeners = [self.serve(port) for port in (PROBE, SERVICE)]

    def serve(self, port):
        listener = self.space.listen(port)
        listener.settimeout(None)

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    made, _ = listener.accept()
                    made.settimeout(PATIENCE)
                    with made, contextlib.suppress(OSError):
                        made.sendall(made.recv(10).upper())
        threading.Thread(target=answer, daemon=True).start()
        return listener

    def connect(self, port, text=b"hello"):
        """A whole connection; the client waits for the server's end, so that every close has the same order."""
        client = self.space.new_socket()
        with client, contextlib.suppress(ConnectionRefusedError):
            client.connect(("127.0.0.1", port))
            client.sendall(text)
            while client.recv(10):
                pass

    def start(self, command):
        """A shell line in the namespace; its process group is ended by stop()."""
        words = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--inh-caps", CAPABILITIES, "--ambient-caps",
                 CAPABILITIES, "sh", "-c", command]
        path = os.path.dirname(shutil.which(self.host.tshark)) + ":" + os.environ["PATH"]
        with self.space.inside():
            return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                    env=dict(self.host.env, PATH=path), cwd=self.host.folder("live"))

    def lines(self, command, is_first, enough):
        """Lines printed until `enough` says so. Connections to PROBE are made until `is_first` sees one of them: then the capture runs."""
        process, got, seen = self.start(command), [], threading.Event()

        def read():
            for line in process.stdout:
                got.append(line.rstrip("\n"))
                if is_first(line):
                    seen.set()
        threading.Thread(target=read, daemon=True).start()
        end = time.monotonic() + PATIENCE
        try:
            while not seen.wait(0.3):
                assert process.poll() is None and time.monotonic() < end, self.complaint(process)
                self.connect(PROBE)
            for text in (b"one", b"two", b"three"):
                self.connect(SERVICE, text)
            self.connect(CLOSED)
            while not enough(got):
                assert time.monotonic() < end, f"{got} {self.complaint(process)}"
                time.sleep(0.1)
        finally:
            self.stop(process)
        return got

    def complaint(self, process):
        self.stop(process)
        return process.stderr.read()[-800:]

    @staticmethod
    def stop(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)

    def close(self):
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
        self.space.close()


@pytest.fixture(scope="module")
def net(host):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root")
    try:
        made = Net(host)
    except OSError as error:
        pytest.skip(f"no network namespaces here: {error}")
    yield made
    made.close()


def test_one_json_object_per_event(net):
    """README, "Script it"."""
    command = command_in(README, r"One line per event of a live capture: `(tshark [^`]*)`").replace("eth0", "lo")

    def events(got):
        return [int(json.loads(line)["layers"]["tcphs_event"][0]) for line in got if '"layers"' in line]
    # The first line may be of a probe that the capture met in its middle: one whose opening it saw shows that the capture runs.
    done = events(net.lines(command, lambda line: 1 in events([line]), lambda got: 2 in events(got)))
    assert done[-7:] == [1, 3, 1, 3, 1, 3, 2], "three connections open and end, one fails"
    assert set(done[:-7]) == {1, 3}


def test_one_line_per_finished_connection(net):
    """The recipe for a monitor, live as its text says."""
    command = command_in(RECIPES, r"### One line for every connection.*?\$ (tshark [^\n]*)")
    live = command.replace("-r sample-captures/many-kinds.pcapng", "-l -i lo -f tcp")
    assert live != command
    done = net.lines(live, lambda line: f" {PROBE}" in line, lambda got: any(" refused " in line for line in got))
    rows = [re.split(r"\s+", line.strip()) for line in done if f" {SERVICE}" in line or f" {CLOSED}" in line]
    assert [row[5:] for row in rows] == [["established", "fin", "server"]] * 3 + [["refused", "none", "server"]], done


def test_ring_of_files(net):
    """The recipe for dumpcap's ring files: every connection is in the report of a file."""
    command = command_in(RECIPES, r"\$ (dumpcap [^\n]*)").replace("eth0", "lo").replace("duration:60", "duration:3").replace("files:24", "files:1000")
    assert "duration:3" in command and " lo " in command

    def rows(got):
        return [row for row in map(json.loads, got) if "tcphs.id" in row]

    def enough(got):
        return any(row["tcphs.conn.verdict"] == "refused" for row in rows(got))
    done = net.lines(command, lambda line: f":{PROBE}" in line, enough)
    mine = [row for row in rows(done) if row["server_port"] in (SERVICE, CLOSED)]
    assert [row["server_port"] for row in mine].count(SERVICE) >= 3 and mine[-1]["server_port"] == CLOSED
    whole = [row for row in mine if row["tcphs.conn.verdict"] == "established" and row["tcphs.conn.close"] == "fin"]
    assert len(whole) >= 2, "at most one of the three lies across the end of a file"


def test_the_capture_was_live_and_unprivileged(net):
    """The plugin is the one under test, loaded by a user who is not root but may capture."""
    process = net.start("id -u; tshark -G plugins | grep tcphs.so")
    said, _ = process.communicate(timeout=PATIENCE)
    assert said.splitlines()[0] == str(NOBODY) and str(net.host.home) in said
