#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The table in plugin/doc/compared.md of what tcphs, Wireshark itself, Zeek and Suricata say of the same sample captures.

  compare.py            rewrites the table between <!-- compare: begin --> and <!-- compare: end -->
  compare.py --check    exits 1 and says where the table differs from what the tools say now

A column whose tool is not at hand (Suricata) or of another version (Wireshark) stays as it stands. Zeek's column is what tcphs says Zeek
would log, which tests/e2e/test_zeek.py holds against Zeek's own logs. Environment: as for the end-to-end tests, and TCPHS_SURICATA (the
command, default suricata) and TCPHS_SURICATA_RULES (its stream-events.rules, default where Debian puts them).
"""
import collections
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import harness  # noqa: E402

PAGE = ROOT / "plugin" / "doc" / "compared.md"
PLACE = re.compile(r"(<!-- compare: begin -->\n)(.*?)(<!-- compare: end -->)", re.S)
CAPTURES = ("client-closes-first simultaneous-open keep-alive port-reuse-time-wait syn-unanswered refused synack-wrong-ack-forever "
            "final-ack-wrong-forever half-open-peer server-resets-handshake health-check rst-challenged rst-out-of-window rst-forged-exact "
            "inj_ack_unsent midstream").split()
HEAD = ("capture", "tcphs", "Wireshark 4.0", "Zeek", "Suricata 7")
WIRESHARK = (4, 0)
NOTE = 0x400000     # PI_NOTE; chats tell of healthy events too
EVERY_FIN = ("tcp.connection.fin_active", "tcp.connection.fin_passive")


def counted(words):
    """The distinct words in order, each with its number where there are several."""
    return ", ".join(word if count == 1 else f"{count} × {word}" for word, count in collections.Counter(words).items())


def cell(states, findings):
    return "; ".join(part for part in (counted(states), ", ".join(f"`{f}`" for f in findings)) if part) or "nothing"


def connections(host, capture):
    done = host.ts("-q", "-z", "tcphs,conn", "-o", "tcphs.report:json", "-r", capture)
    return [row for row in map(json.loads, done.stdout.splitlines()) if "tcphs.id" in row]


def tcphs_and_zeek(host, capture):
    rows = connections(host, capture)
    states = [" ".join([r.get("tcphs.conn.verdict", "probe"), *([r["tcphs.conn.close"]] if r.get("tcphs.conn.close") != "none" else [])])
              for r in rows]
    found = dict.fromkeys(name for r in rows for name in r.get("tcphs.anomaly", []))
    zeek = [f"{state} {history}" for r in rows
            for state, history in zip(r["tcphs.conn.zeek.state"].split(","), r["tcphs.conn.zeek.history"].split(","))]
    return cell(states, found), counted(zeek)


def experts(pairs):
    """Names of the expert infos of severity note and above, wherever they stand."""
    for key, value in pairs if isinstance(pairs, harness.Pairs) else []:
        if key == "_ws.expert" and isinstance(value, harness.Pairs):
            severity = int(dict(value).get("_ws.expert.severity", 0))
            yield from (k for k, _ in value if k.startswith("tcp.") and severity >= NOTE and k not in EVERY_FIN)
        yield from experts(value)


def wireshark(host, capture):
    """The last completeness of each stream, as its own label says it, and what it raises."""
    done = host.ts("-2", "-r", capture, "--disable-protocol", "tcphs", "-T", "json", "-J", "tcp")
    states, found = {}, {}
    for packet in json.loads(done.stdout, object_pairs_hook=harness.Pairs):
        layers = dict(dict(packet)["_source"])["layers"]
        for key, tcp in layers:
            if key == "tcp" and "tcp.completeness" in dict(tcp):
                states[dict(tcp)["tcp.stream"]] = COMPLETENESS.get(int(dict(tcp)["tcp.completeness"]) & 63, "incomplete")
                found.update(dict.fromkeys(experts(tcp)))
    return cell(states.values(), [name.removeprefix("tcp.") for name in found])


# packet-tcp.c: SYN 1, SYN-ACK 2, ACK 4, data 8, FIN 16, RST 32.
COMPLETENESS = {**{n: "complete with data" for n in (31, 47, 63)}, **{n: "complete without data" for n in (23, 39, 55)}, 15: "established with data",
                7: "established", 3: "client established", 1: "SYN sent"}


def suricata_command():
    """The command of a Suricata of the version in the table's head, or None."""
    command = shlex.split(os.environ.get("TCPHS_SURICATA", "suricata"))
    if not shutil.which(command[0]):
        return None
    version = subprocess.run([*command, "-V"], capture_output=True, text=True, check=False).stdout
    return command if f"version {HEAD[4].split()[1]}." in version else None


def event_names(rules):
    return {int(sid): name.removeprefix("stream.") for name, sid in re.findall(r"stream-event:([\w.]+);.*?sid:(\d+);", rules)}


def suricata(command, capture):
    """TCP states at the end of its flows, and the stream events that its own rules raise, those that are off by default included."""
    rules = Path(os.environ.get("TCPHS_SURICATA_RULES", "/etc/suricata/rules/stream-events.rules")).read_text()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "all.rules").write_text(re.sub(r"^# *alert", "alert", rules, flags=re.M))
        done = subprocess.run([*command, "-r", str(capture), "-l", folder, "-k", "none", "-S", f"{folder}/all.rules", "--runmode", "single"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        events = [json.loads(line) for line in (Path(folder) / "eve.json").read_text().splitlines()]
    names, flows = event_names(rules), [e for e in events if e["event_type"] == "flow" and e.get("proto") == "TCP"]
    states = [e["tcp"]["state"] if "tcp" in e and "state" in e["tcp"] else "no session" for e in sorted(flows, key=lambda e: e["flow"]["start"])]
    found = dict.fromkeys(names.get(e["alert"]["signature_id"], str(e["alert"]["signature_id"])) for e in events if e["event_type"] == "alert")
    return cell(states, sorted(found))


def rows_of(table):
    """capture -> cells of a Markdown table."""
    lines = [[c.strip() for c in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
    return {line[0].split("`")[1]: [c.strip(" |") for c in line] for line in lines}


def fresh(host, old):
    """The table as the tools at hand write it."""
    command, out = suricata_command(), []
    for name in CAPTURES:
        capture = host.place(ROOT / "sample-captures" / f"{name}.pcap")
        known = old.get(name, ["", "", "not yet made", "", "not yet made"])
        ours, zeek = tcphs_and_zeek(host, capture)
        theirs = wireshark(host, capture) if host.version[:2] == WIRESHARK else known[2]
        out.append((f"`{name}`", ours, theirs, zeek, suricata(command, capture) if command else known[4]))
    return "\n".join("| " + " | ".join(row) + " |" for row in [HEAD, ("---",) * len(HEAD), *out]) + "\n"


def main():
    ask = os.environ.get
    host = harness.Host(ask("TCPHS_PLUGIN", ROOT / "build" / "plugin" / "tcphs.so"), ask("TCPHS_TSHARK", "tshark"), "sharkd", "wireshark")
    try:
        host.install()
        host.assert_loaded()
        text = PAGE.read_text()
        places = PLACE.findall(text)
        if len(places) != 1:
            sys.exit(f"{PAGE.name}: {len(places)} places for the comparison, expected one")
        old = places[0][1]
        new = fresh(host, rows_of(old))
    finally:
        host.close()
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(PLACE.sub(lambda m: m.group(1) + new + m.group(3), text))
    elif old != new:
        sys.exit("\n".join(f"page: {a}\nnow:  {b}" for a, b in zip(old.splitlines(), new.splitlines()) if a != b) or "rows are missing")


if __name__ == "__main__":
    main()
