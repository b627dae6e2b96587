#!/usr/bin/env python3
"""Measures what tcphs costs the host: instructions per packet (callgrind, repeatable), memory, growth.

  bench.py [cost] [memory] [growth]     default: all of them
Environment as for the end-to-end tests: TCPHS_PLUGIN, TCPHS_TSHARK. Needs valgrind.

Instructions per packet are the difference of two captures' totals over the difference of their packets, so that start-up cancels.
"""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
import traffic  # noqa: E402

SHORT, LONG = 1000, 3000  # connections of the two captures
TAP = ["-o", "tcphs.source:tap"]
RUNS = {"text": ["-n"], "-Y tcp.flags.reset==1": ["-n", "-Y", "tcp.flags.reset==1"],
        "-T fields": ["-n", "-T", "fields", "-e", "frame.number", "-e", "ip.src", "-e", "tcp.srcport", "-e", "tcp.flags"],
        "-2": ["-n", "-2"], "-q -z conv,tcp": ["-n", "-q", "-z", "conv,tcp"]}
OURS = {"-q -z conv,tcp": ["-n", "-q", "-z", "tcphs,conn"]}
BUDGETS = {("text", "tap"): 1.04, ("text", "fields"): 1.35, ("-q -z conv,tcp", "tap"): 1.10, ("-q -z conv,tcp", "fields"): 1.45}
LUA = """
local p = Proto("five", "Five fields")
local f = { Field.new("tcp.seq_raw"), Field.new("tcp.ack_raw"), Field.new("tcp.flags"), Field.new("tcp.len"), Field.new("tcp.stream") }
function p.dissector(tvb, pinfo, tree) for _, one in ipairs(f) do local _ = one() end end
register_postdissector(p)
"""


class Machine:
    """Two installations: one with the plugin, one without."""

    def __init__(self):
        ask = os.environ.get
        args = dict(plugin=ask("TCPHS_PLUGIN", harness.ROOT / "build" / "plugin" / "tcphs.so"), tshark=ask("TCPHS_TSHARK", "tshark"),
                    sharkd="sharkd", wireshark="wireshark")
        self.alone, self.ours = harness.Host(**args), harness.Host(**args)
        for host in (self.alone, self.ours):
            host.env.pop("WIRESHARK_PLUGIN_DIR")  # TRANSUM is a plugin of the host's own
        if self.alone.glossary("plugins"):
            sys.exit("bench: a tcphs.so is installed for everybody: the host is not alone")
        self.ours.install()
        self.ours.assert_loaded()

    def close(self):
        self.alone.close()
        self.ours.close()

    def capture(self, name, make, *args):
        """Path for both and how many packets it holds."""
        path = self.ours.folder("bench") / name
        packets = make(path, *args)
        path.chmod(0o644)
        return path, packets

    def instructions(self, host, args, capture):
        done = host.run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", host.tshark, *args, "-r", capture, timeout=1800)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or not found:
            sys.exit(f"bench: {' '.join(map(str, args))}: exit {done.returncode}: {done.stderr[-400:]}")
        return int(found.group(1))

    def per_packet(self, host, args, short, long):
        return (self.instructions(host, args, long[0]) - self.instructions(host, args, short[0])) / (long[1] - short[1])

    def resident(self, host, args, capture):
        """Peak resident memory in kB, as the kernel counted it for the child."""
        command = f"import os,sys; p=os.spawnvp(os.P_NOWAIT,sys.argv[1],sys.argv[1:]); _,s,r=os.wait4(p,0); print(r.ru_maxrss); sys.exit(s!=0)"
        done = host.run("/usr/bin/python3", "-c", command, host.tshark, *args, "-r", capture, timeout=1800)
        if done.returncode:
            sys.exit(f"bench: {done.stderr[-400:]}")
        return int(done.stdout.split()[-1])


def table(title, head, rows):
    print(f"\n{title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |", flush=True)


def cost(m):
    short, long = (m.capture(f"talks-{n}.pcap", traffic.talks, n) for n in (SHORT, LONG))
    script = m.alone.output("five.lua")
    script.write_text(LUA)
    script.chmod(0o644)
    rows, over = [], []
    for run, args in RUNS.items():
        alone = m.per_packet(m.alone, args, short, long)
        row = [run, f"{alone:.0f}"]
        for name, more in (("fields", []), ("tap", TAP)):
            ratio = m.per_packet(m.ours, OURS.get(run, args) + more, short, long) / alone
            due = BUDGETS.get((run, name))
            over += [f"{run} {name}: {ratio:.2f}, budget {due}"] if due and ratio > due else []
            row.append(f"{ratio:.2f}" + (f" (budget {due})" if due else ""))
        for more in (["--enable-protocol", "transum"], ["-X", f"lua_script:{script}"]):
            row.append(f"{m.per_packet(m.alone, args + more, short, long) / alone:.2f}")
        rows.append(row)
    table("Instructions per packet, short HTTP-like connections; host alone = 1 (the last row is tcphs,conn for tcphs)",
          ["run", "host alone", "tcphs, fields", "tcphs, tap", "TRANSUM", "Lua, 5 fields"], rows)
    return over


def memory(m):
    rows, over = [], []
    for name, make, size, unit in (("flood of 300,000 SYNs", traffic.flood, 300_000, "connection"),
                                   ("26,000 connections", traffic.talks, 26_000, "connection"),
                                   ("one connection of 1,000,000 segments", traffic.bulk, 1_000_000, "segment")):
        path, packets = m.capture("memory.pcap", make, size)
        args = ["-n", "-q", "-z", "conv,tcp"]
        alone, ours = m.resident(m.alone, args, path), m.resident(m.ours, args + TAP, path)
        each, due = (ours - alone) * 1024 / size, 400 if unit == "connection" else 1
        over += [f"{name}: {each:.0f} bytes a {unit}, budget {due}"] if each > due else []
        rows.append([name, packets, f"{alone // 1024} MB", f"{ours // 1024} MB", f"{each:.1f} bytes a {unit} (budget {due})"])
    table("Peak memory of -q -z conv,tcp", ["capture", "packets", "host alone", "with tcphs", "difference"], rows)
    return over


def growth(m):
    rows, over = [], []
    for name, make, sizes in (("short connections", traffic.talks, (300, 3000, 30_000)), ("flood", traffic.flood, (3000, 30_000, 300_000)),
                              ("SYN and RST on one tuple", traffic.ping_pong, (1000, 10_000, 100_000)),
                              ("one tuple used again", traffic.reuse, (300, 3000, 30_000))):
        counts = []
        for size in sizes:
            path, _ = m.capture("growth.pcap", make, size)
            args = ["-n", "-q", "-z", "tcphs,conn", *TAP]
            counts.append(m.instructions(m.ours, args, path))
        start = m.instructions(m.ours, ["-n", "-q", "-z", "tcphs,conn", *TAP], m.capture("none.pcap", traffic.flood, 0)[0])
        steps = [(b - start) / (a - start) for a, b in zip(counts, counts[1:])]
        over += [f"{name}: {max(steps):.2f} times the instructions for 10 times the packets"] if max(steps) > 10.5 else []
        rows.append([name, *(f"{s:.2f}" for s in steps)])
    table("Growth: instructions for ten times the packets (budget 10.5)", ["capture", "1 to 10", "10 to 100"], rows)
    return over


def main():
    parts = {"cost": cost, "memory": memory, "growth": growth}
    wanted = sys.argv[1:] or list(parts)
    if set(wanted) - set(parts):
        sys.exit(__doc__)
    m = Machine()
    try:
        over = [line for name in wanted for line in parts[name](m)]
    finally:
        m.close()
    print("\n" + ("\n".join(f"over budget: {line}" for line in over) or "all within budget"))
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
