"""plugin/doc/many-machines.md: its commands, run as they stand, on captures made here, with sshd, PostgreSQL and DuckDB of our own.

What starts servers or takes a package from the npm registry is marked for the long run. What a machine lacks is skipped with the
reason. Leaves to others: the reports themselves (test_reports.py).
"""
import contextlib
import glob
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import pages
from harness import NOBODY
from packets import Capture, Talk

PAGE = pages.DOC / "many-machines.md"
SENSORS = {"sensor1": "127.0.0.2", "sensor2": "127.0.0.3"}
PATIENCE = 120
MOUNTED = 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/shadow" /etc/shadow && exec "$@"'


def shown(name):
    return pages.command(PAGE, name)


def need(*programs):
    missing = [p for p in programs if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin")]
    if missing:
        pytest.skip(f"not installed: {' '.join(missing)}")


def two_captures():
    """A connection that is open when the first file ends and closed in the second; a refused one; one that is over in the first."""
    first, second = Capture(), Capture()
    spanning = Talk(first, 40001)
    spanning.open()
    spanning.c("PA", 1, 1, data=b"x" * 20)
    Talk(first, 40002).c("S")
    refused = Talk(first, 40003, to=81)
    refused.c("S"), refused.s("RA", -refused.irs, 1)
    over = Talk(first, 40004)
    over.open(), over.c("FA", 1, 1), over.s("FA", 1, 2), over.c("A", 2, 2)
    second.now = first.now + 1_000_000
    spanning.capture = second
    spanning.s("A", 1, 21), spanning.s("PA", 1, 21, data=b"y" * 5), spanning.c("FA", 21, 6), spanning.s("FA", 6, 22), spanning.c("A", 22, 7)
    return {"first.pcap": first.bytes(), "second file.pcap": second.bytes()}


def run(host, env, name):
    done = host.run("sh", "-ec", shown(name), env=env, timeout=600)
    assert done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}"
    return done.stdout


def objects(folder):
    """file name -> the JSON objects in it."""
    return {path.name: [json.loads(line) for line in path.read_text().splitlines()] for path in sorted(Path(folder).glob("*.jsonl"))}


@pytest.fixture(scope="module")
def captures(host):
    folder = host.folder("captures-of-many")
    for name, content in two_captures().items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def environment(host, captures):
    """What the commands find, with a folder for the reports that is new for each test that asks."""
    def make(name, **more):
        reports = host.folder(name)
        return dict(host.env, captures=str(captures), capture=str(captures / "first.pcap"), reports=str(reports),
                    PATH=os.path.dirname(shutil.which(host.tshark)) + ":" + os.environ["PATH"], **more)
    return make


@pytest.fixture(scope="module")
def reported(host, environment):
    """After the first command: reports of both captures, and the questions, as the page says."""
    env = environment("reports-of-one")
    assert run(host, env, "cores") == ""
    for name, block in (("questions.sql", "questions"), ("ask.mjs", "duckdb program"), ("view.sql", "duckdb view")):
        (Path(env["reports"]) / name).write_text(shown(block))
    return env


def test_all_cores(reported):
    found = objects(reported["reports"])
    assert list(found) == ["first.pcap.jsonl", "second file.pcap.jsonl"]
    assert [sum("tcphs.id" in row for row in rows) for rows in found.values()] == [4, 1]


# Several machines


def accounts(host, folder):
    """Files for /etc/passwd and /etc/shadow of a mount namespace, in which the unprivileged user of the harness may log in with a key."""
    name, files = pwd.getpwuid(NOBODY).pw_name, {}
    files["passwd"] = f"{name}:x:{NOBODY}:{NOBODY}:{name}:{host.home}:/bin/sh\n"
    files["shadow"] = f"{name}:*:::::::\n"     # readable, or nss-systemd says that the account is locked
    for file, text in files.items():
        (folder / file).write_text("root:x:0:0:root:/root:/bin/sh\n" * (file == "passwd") + text)
        (folder / file).chmod(0o644)
    return name


def key(host, path):
    done = host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
    assert done.returncode == 0, done.stderr
    return path


def free_port(address):
    with socket.socket() as found:
        found.bind((address, 0))
        return found.getsockname()[1]


def wait_until_open(address, port, server):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((address, port), 5):
            return
        time.sleep(0.2)
    raise AssertionError(f"no sshd at {address}:{port}: {server.poll()}")


def sshd_config(host, folder, address, port):
    env = {k: host.env[k] for k in ("HOME", "LC_ALL", "TZ", "WIRESHARK_PLUGIN_DIR")}
    env["PATH"] = os.path.dirname(shutil.which(host.tshark)) + ":" + os.environ["PATH"]
    values = " ".join(f'"{k}={v}"' for k, v in env.items())
    return (f"ListenAddress {address}:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nPidFile none\n"
            f"StrictModes no\nUsePAM no\nPasswordAuthentication no\nSetEnv {values}\n")


@pytest.fixture(scope="module")
def sensors(host):
    """Two sshd of this test's own on loopback addresses, and the configuration by which ssh knows them as sensor1 and sensor2."""
    need("parallel", "ssh", "ssh-keygen", "sshd")
    folder, is_root = host.folder("ssh"), os.getuid() == 0
    if is_root and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here, which give the unprivileged user a shell")
    user = accounts(host, folder) if is_root else pwd.getpwuid(os.getuid()).pw_name
    key(host, folder / "host"), key(host, folder / "user")
    servers, config = [], f"IdentityFile {folder}/user\nUser {user}\nUserKnownHostsFile /dev/null\nStrictHostKeyChecking no\nLogLevel ERROR\n"
    try:
        for name, address in SENSORS.items():
            port = free_port(address)
            (folder / f"{name}.conf").write_text(sshd_config(host, folder, address, port))
            start = [shutil.which("sshd", path="/usr/sbin:" + os.environ["PATH"]), "-D", "-e", "-f", str(folder / f"{name}.conf")]
            if is_root:
                drop = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
                start = ["unshare", "-m", "sh", "-c", MOUNTED, str(folder), *drop, *start]
            with open(folder / f"{name}.log", "w") as log:
                servers.append(subprocess.Popen(start, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=host.env))
            wait_until_open(address, port, servers[-1])
            config += f"Host {name}\nHostName {address}\nPort {port}\n"
        (folder / "config").write_text(config)
        # ssh reads the configuration of the user's entry in /etc/passwd, whatever HOME says: a script in front of it names ours.
        programs = host.folder("ssh", "programs")
        (programs / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F "{folder}/config" "$@"\n')
        (programs / "ssh").chmod(0o755)
        yield programs
    finally:
        for server in servers:
            server.terminate()
            server.wait(PATIENCE)


@pytest.fixture
def with_sensors(sensors, environment):
    def make(name):
        env = environment(name)
        return dict(env, PATH=f"{sensors}:{env['PATH']}")
    return make


@pytest.mark.trust
def test_captures_that_all_machines_see(host, reported, with_sensors):
    env = with_sensors("reports-of-several")
    assert run(host, env, "shared") == ""
    assert objects(env["reports"]) == objects(reported["reports"])


@pytest.mark.trust
def test_captures_that_stay_where_they_are(host, reported, with_sensors):
    """Both sensors are this machine, so each gives the reports of both captures."""
    env = with_sensors("reports-of-sensors")
    assert run(host, env, "sensors") == ""
    found = objects(env["reports"])
    assert list(found) == ["sensor1.jsonl", "sensor2.jsonl"]
    due = sorted(json.dumps(row) for rows in objects(reported["reports"]).values() for row in rows)
    assert [sorted(json.dumps(row) for row in rows) for rows in found.values()] == [due, due]


# Databases: three questions, the same answers


@pytest.fixture(scope="module")
def postgresql(host, reported):
    tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not tools:
        pytest.skip("not installed: postgresql")
    need("psql")
    data = host.folder("postgres") / "data"
    env = dict(reported, PGHOST=str(host.folder("postgres")), PGDATABASE="postgres", PGUSER="analyst")
    made = host.run(f"{tools[-1]}/initdb", "-D", data, "-A", "trust", "-U", "analyst", env=env)
    assert made.returncode == 0, made.stderr
    options = f"-c listen_addresses='' -c unix_socket_directories={env['PGHOST']} -c fsync=off"
    begun = host.run(f"{tools[-1]}/pg_ctl", "-D", data, "-w", "-l", host.output("postgres.log"), "-o", options, "start", env=env)
    assert begun.returncode == 0, begun.stdout + begun.stderr
    yield env
    host.run(f"{tools[-1]}/pg_ctl", "-D", data, "-m", "immediate", "stop", env=env)


def test_the_page_has_the_same_answers_for_all():
    """The lone SYN came less than a second before the capture ended: nothing can be said of it yet, and no answer names it."""
    assert len({pages.answer(PAGE, name) for name in ("postgresql ask", "duckdb ask", "parquet")}) == 1


@pytest.mark.trust
def test_postgresql(host, postgresql):
    assert run(host, postgresql, "postgresql load") == ""
    assert run(host, postgresql, "postgresql ask") == pages.answer(PAGE, "postgresql ask")


@pytest.fixture(scope="module")
def duckdb(host, reported):
    """The npm package with its binary, in a folder of its own, fetched as the caller: it may need his proxy and certificates."""
    need("node", "npm")
    with tempfile.TemporaryDirectory() as folder:
        got = subprocess.run(["npm", "install", "--no-fund", "--no-audit", "--prefix", folder, "@duckdb/node-api"], capture_output=True,
                             text=True, check=False, timeout=600)
        if got.returncode:
            pytest.skip(f"npm cannot get @duckdb/node-api: {got.stderr.strip().splitlines()[-1:]}")
        target = Path(reported["reports"]) / "node_modules"
        shutil.copytree(Path(folder) / "node_modules", target)
        subprocess.run(["chmod", "-R", "a+rX", target], check=True)
    return reported


@pytest.mark.trust
def test_duckdb(host, duckdb):
    assert run(host, duckdb, "duckdb ask") == pages.answer(PAGE, "duckdb ask")


@pytest.mark.trust
def test_parquet(host, duckdb):
    assert run(host, duckdb, "parquet") == pages.answer(PAGE, "parquet")
    assert (Path(duckdb["reports"]) / "conn.parquet").read_bytes()[:4] == b"PAR1"


# Elasticsearch

NUMBERS = {"byte", "short", "integer", "long", "float"}


def test_elasticsearch(host, environment):
    """Every value that we give has the type that the mapping promises, or is a text for which the mapping may grow."""
    env = environment("elastic")
    done = host.run("sh", "-ec", shown("elastic"), env=env)
    assert done.returncode == 0, done.stderr
    mapping = json.loads((Path(env["reports"]) / "mapping.json").read_text())["mappings"]
    assert mapping.get("dynamic", True) is True  # newer versions leave it out, which means the same
    types = {name: kind["type"] for name, kind in mapping["properties"]["layers"]["properties"]["tcphs"]["properties"].items()}
    lines = [json.loads(line) for line in (Path(env["reports"]) / "bulk.json").read_text().splitlines() if line.strip()]
    assert all("index" in line for line in lines[::2]) and len(lines) == 2 * len(host.numbers(env["capture"], "tcphs"))
    known = 0
    for document in lines[1::2]:
        assert document["timestamp"].isdigit()
        for name, value in document["layers"]["tcphs"].items():
            for one in value if isinstance(value, list) else [value]:
                if name in types and one is not None:
                    known += 1
                    assert types[name] not in NUMBERS or re.fullmatch(r"-?\d+(\.\d+)?", str(one)), (name, one)
                    assert types[name] != "boolean" or isinstance(one, bool), (name, one)
    assert known > 100
