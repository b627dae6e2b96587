"""The README's way from one machine to many: its commands, run as they stand, on captures made here and a PostgreSQL of our own.

Leaves to others: the reports themselves (test_reports.py).
"""
import glob
import json
import os
import re
import shutil

import pytest

from harness import ROOT
from packets import Capture, Talk

README = (ROOT / "README.md").read_text()


def shown(name):
    found = re.search(rf"<!-- command: {name} -->\n```sh\n(.*?)```", README, re.S)
    assert found, f"README.md has no command {name}"
    return found.group(1)


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


@pytest.fixture(scope="module")
def place(host):
    """Environment for the commands, after the first of them has made the reports."""
    captures, reports = host.folder("exit"), host.folder("reports")
    for name, content in two_captures().items():
        (captures / name).write_bytes(content)
        (captures / name).chmod(0o644)
    env = dict(host.env, captures=str(captures), reports=str(reports), capture=str(captures / "first.pcap"),
               PATH=os.path.dirname(shutil.which(host.tshark)) + ":" + os.environ["PATH"])
    done = host.run("sh", "-ec", shown("many"), env=env)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return env


def test_many_files(place):
    rows = [json.loads(line) for name in sorted(os.listdir(place["reports"])) if name.endswith(".jsonl")
            for line in open(os.path.join(place["reports"], name))]
    connections = [r for r in rows if "tcphs.id" in r]
    assert len(connections) == 5 and {r["file"] for r in rows} == {"first.pcap", "second file.pcap"}


@pytest.fixture(scope="module")
def database(host, place):
    tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not tools or not shutil.which("psql"):
        pytest.skip("no PostgreSQL")
    data = host.folder("postgres") / "data"
    env = dict(place, PGHOST=str(host.folder("postgres")), PGDATABASE="postgres", PGUSER="analyst")
    made = host.run(f"{tools[-1]}/initdb", "-D", data, "-A", "trust", "-U", "analyst", env=env)
    assert made.returncode == 0, made.stderr
    options = f"-c listen_addresses='' -c unix_socket_directories={env['PGHOST']} -c fsync=off"
    begun = host.run(f"{tools[-1]}/pg_ctl", "-D", data, "-w", "-l", host.output("postgres.log"), "-o", options, "start", env=env)
    assert begun.returncode == 0, begun.stdout + begun.stderr
    yield env
    host.run(f"{tools[-1]}/pg_ctl", "-D", data, "-m", "immediate", "stop", env=env)


@pytest.fixture(scope="module")
def loaded(host, database):
    done = host.run("sh", "-ec", shown("load"), env=database)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return database


@pytest.mark.trust
def test_questions(host, loaded):
    done = host.run("sh", "-ec", shown("ask"), env=loaded)
    assert done.returncode == 0 and not done.stderr, done.stderr
    # The lone SYN came less than a second before the capture ended: nothing can be said of it yet.
    assert done.stdout.splitlines() == ["198.51.100.7:81|refused|1"]


@pytest.mark.trust
def test_a_connection_in_two_files(host, loaded):
    done = host.run("sh", "-ec", shown("span"), env=loaded)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout.splitlines() == ["first.pcap|second file.pcap|192.0.2.1|40001|198.51.100.7:80|fin"]


NUMBERS = {"byte", "short", "integer", "long", "float"}


def test_elasticsearch(host, place):
    """Every value that we give has the type that the mapping promises, or is a text for which the mapping may grow."""
    done = host.run("sh", "-ec", shown("elastic"), env=place)
    assert done.returncode == 0, done.stderr
    mapping = json.load(open(os.path.join(place["reports"], "mapping.json")))["mappings"]
    assert mapping.get("dynamic", True) is True  # newer versions leave it out, which means the same
    types = {name: kind["type"] for name, kind in mapping["properties"]["layers"]["properties"]["tcphs"]["properties"].items()}
    lines = [json.loads(line) for line in open(os.path.join(place["reports"], "bulk.json")) if line.strip()]
    assert all("index" in line for line in lines[::2]) and len(lines) == 2 * len(host.numbers(place["capture"], "tcphs"))
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
