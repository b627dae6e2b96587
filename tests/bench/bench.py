#!/usr/bin/env python3
"""Measures what tcphs costs the host and prints it as tables: instructions per packet, the core alone, memory, growth, the monitoring run.

  bench.py [--short] [cost] [core] [memory] [growth] [monitor] [window]      default: all but window
Environment as for the end-to-end tests: TCPHS_PLUGIN, TCPHS_TSHARK; TCPHS_BENCH is where bench_core and bench_still.so were built.
Needs valgrind; the monitoring run shows tcptrace and Suricata where they are installed; window needs Wireshark, Xvfb and xdotool.
Exit 1 when a budget is broken, 77 without valgrind. --short asks only what is decided by counting, on small captures.

Instructions are counted by Valgrind with the chance taken out of hash seeds (still.c), so that they repeat to a few thousand in a thousand
million. Per packet is the difference of two captures' totals over the difference of their packets, so that start-up cancels.
"""
import shutil
import statistics
import sys

import traffic
import window
from machine import BUILT, Machine, harness

CONV, CONN = ["-n", "-q", "-z", "conv,tcp"], ["-n", "-q", "-z", "tcphs,conn"]
RUNS = {"text": ["-n"], "-Y tcp.flags.reset==1": ["-n", "-Y", "tcp.flags.reset==1"],
        "-T fields": ["-n", "-T", "fields", "-e", "frame.number", "-e", "ip.src", "-e", "tcp.srcport", "-e", "tcp.flags"],
        "-2": ["-n", "-2"], "-q -z conv,tcp": CONV}
WITH_US = {"-q -z conv,tcp": CONN}
# Times the host alone, by run and traffic; where a connection is short, its handshake and close weigh more.
BUDGETS = {("text", "usual"): 1.04, ("text", "short"): 1.06, ("-Y tcp.flags.reset==1", "usual"): 1.05, ("-T fields", "usual"): 1.05,
           ("-2", "usual"): 1.05, ("-q -z conv,tcp", "usual"): 1.05, ("-q -z conv,tcp", "short"): 1.08}
SHORT_RUNS = ["text", "-q -z conv,tcp"]
TOLERANCE = 0.01  # more than this over its budget, and the run fails; less is shown
TRAFFICS = {"usual": (traffic.usual, 200), "short": (traffic.short, 500), "rough": (traffic.rough, 200)}
BASE = (traffic.usual, 20)
BYTES_A_CONNECTION, BYTES_A_SEGMENT, STEADY = 400, 0, 1.10
GROWTH = 10.5
CORE_NS = 150
LUA = """
local p = Proto("five", "Five fields")
local f = { Field.new("tcp.seq_raw"), Field.new("tcp.ack_raw"), Field.new("tcp.flags"), Field.new("tcp.len"), Field.new("tcp.stream") }
function p.dissector(tvb, pinfo, tree) for _, one in ipairs(f) do local _ = one() end end
register_postdissector(p)
"""


def table(title, head, rows):
    print(f"\n{title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |", flush=True)


# Instructions per packet


def per_packet(m, job):
    """job: host, arguments, names of traffics. Instructions of one more packet of each."""
    host, args, names = job
    start, packets = m.instructions(host, args, m.capture(*BASE)[0]), m.capture(*BASE)[1]
    return {n: (m.instructions(host, args, m.capture(*TRAFFICS[n])[0]) - start) / (m.capture(*TRAFFICS[n])[1] - packets) for n in names}


def lua_script(m):
    path = m.alone.output("five.lua")
    path.write_text(LUA)
    path.chmod(0o644)
    return path


def cost(m, short):
    wanted = SHORT_RUNS if short else list(RUNS)
    names = ["usual"] if short else list(TRAFFICS)
    ways = {"host alone": [], "tcphs": []}
    if not short:
        ways.update({"TRANSUM": ["--enable-protocol", "transum"], "Lua, 5 fields": ["-X", f"lua_script:{lua_script(m)}"]})
    for each in (BASE, *(TRAFFICS[n] for n in names)):
        m.capture(*each)
    cases = [(run, way) for run in wanted for way in ways]
    jobs = [(m.ours, WITH_US.get(run, RUNS[run]) + ways[way], names) if way == "tcphs" else
            (m.alone, RUNS[run] + ways[way], names) for run, way in cases]
    found = dict(zip(cases, harness.in_parallel(lambda job: per_packet(m, job), jobs)))
    over = []
    for name in names:
        over += cost_table(name, wanted, list(ways), found)
    return over


def cost_table(name, runs, ways, found):
    rows, over = [], []
    for run in runs:
        alone = found[run, "host alone"][name]
        row = [f"`{run}`", f"{alone:,.0f}"]
        for way in ways[1:]:
            ratio, due = found[run, way][name] / alone, BUDGETS.get((run, name)) if way == "tcphs" else None
            over += [f"{run}, {way}: {ratio:.3f} times the host alone, budget {due}"] if due and ratio > due + TOLERANCE else []
            row.append(f"{ratio:.3f}" + (f" (≤ {due})" if due else ""))
        rows.append(row)
    make, size = TRAFFICS[name]
    table(f"Instructions per packet, {name} connections ({make.__doc__.strip()})",
          ["run", "host alone", *ways[1:]], rows)
    return over


# The core alone


def core(m, short):
    program, sizes = m.ours.home / "bench_core", (500, 5000, 50_000)
    shutil.copy(BUILT / "bench_core", program)
    counts = harness.in_parallel(lambda n: m.count(m.ours, [program, n]), sizes[:2] if short else sizes)
    done = [core_run(m, program, n) for n in (10_000, 10_000, 10_000)]
    best = min(seconds / segments for segments, seconds in done)
    each = (counts[1] - counts[0]) / ((sizes[1] - sizes[0]) * 50)
    row = [f"{each:.0f}", f"{best * 1e9:.0f} (≤ {CORE_NS})", f"{1 / best / 1e6:.1f} M (≥ 5 M)"]
    table("The core alone, connections of 50 segments, copies and Zeek's words included; the best of three", ["instructions per segment",
          "ns per segment", "segments per second"], [row])
    steps = [b / a for a, b in zip(counts, counts[1:])]
    over = [f"core: {s:.2f} times the instructions for 10 times the segments, budget {GROWTH}" for s in steps if s > GROWTH]
    return over + ([f"core: {best * 1e9:.0f} ns a segment, budget {CORE_NS}"] if best * 1e9 > CORE_NS and not short else [])


def core_run(m, program, connections):
    words = m.ours.run(program, connections).stdout.split()
    return int(words[1]), float(words[5])


# Memory


def memory(m, short):
    cases = [("flood of SYNs", traffic.flood, 1000, 100_000 if short else 300_000, "connection")]
    if short:
        cases += [("short connections", traffic.short, 100, 10_000, "connection")]
    else:
        cases += [("usual connections", traffic.usual, 100, 26_000, "connection")]
    cases += [("one connection", traffic.bulk, 1000, 300_000 if short else 1_000_000, "segment")]
    rows, over = [], []
    for name, make, small, size, unit in cases:
        took = [[m.resident(host, args, m.capture(make, n)[0]) for n in (small, size)]
                for host, args in ((m.alone, CONV), (m.ours, CONV), (m.ours, CONN))]
        (alone_start, alone), (start, ours), (_, report) = took
        each = ((ours - start) - (alone - alone_start)) / (size - small)
        due = BYTES_A_CONNECTION * STEADY if unit == "connection" else BYTES_A_SEGMENT + 2 * 1024**2 / size
        over += [f"{name}: {each:.1f} bytes a {unit}, budget {due:.1f}"] if each > due else []
        rows.append([name, f"{m.capture(make, size)[1]:,}", f"{alone / 2**20:.0f} MB", f"{ours / 2**20:.0f} MB",
                     f"{each:.1f} bytes a {unit} (≤ {BYTES_A_CONNECTION if unit == 'connection' else BYTES_A_SEGMENT})", f"{report / 2**20:.0f} MB"])
        m.forget(make, size)
    table("Peak memory of `-q -z conv,tcp`, the host alone and with tcphs, and of `-q -z tcphs,conn` in its place; what start-up takes is not "
          "counted", ["capture", "packets", "host alone", "with tcphs", "tcphs takes", "`-z tcphs,conn`"], rows)
    return over


# Growth


GROWING = {"usual connections": (traffic.usual, 60), "flood to one server": (traffic.flood, 3000), "SYN and RST on one tuple": (traffic.ping_pong, 1500),
           "one tuple used again": (traffic.reuse, 650), "one connection, a finding a segment": (traffic.many_findings, 3000),
           "a VLAN for each direction": (traffic.trunk, 500), "a tunnel for every segment": (traffic.paths, 300), "a hole behind every byte": (traffic.islands, 1000),
           "frames of 100 TCP headers": (traffic.aggregates, 60), "frames of 100 IP headers": (traffic.tunnels, 100)}
# Where the host's own analysis of sequence numbers would not be linear.
WITHOUT_ANALYSIS = {"a hole behind every byte": ["-o", "tcp.analyze_sequence_numbers:FALSE"]}
IN_SHORT = ("flood to one server", "a VLAN for each direction", "SYN and RST on one tuple", "one connection, a finding a segment")
ONCE_ONLY = ("frames of 100 TCP headers", "frames of 100 IP headers")  # ten times are enough where a frame costs as much as a hundred


def growth(m, short):
    names = IN_SHORT if short else GROWING
    times = {n: (1, 10) if short or n in ONCE_ONLY else (1, 10, 100) for n in names}
    jobs = [("nothing", traffic.flood, 0)] + [(n, GROWING[n][0], GROWING[n][1] * t) for n in names for t in times[n]]
    for _, make, size in jobs:
        m.capture(make, size)
    counts = harness.in_parallel(lambda job: m.instructions(m.ours, CONN + WITHOUT_ANALYSIS.get(job[0], []), m.capture(*job[1:])[0]), jobs)
    counts, rows, over = dict(zip(jobs, counts)), [], []
    start = counts[jobs[0]]
    for name in names:
        make, size = GROWING[name]
        took = [counts[name, make, size * t] - start for t in times[name]]
        steps = [b / a for a, b in zip(took, took[1:])]
        over += [f"{name}: {s:.2f} times the instructions for 10 times the packets, budget {GROWTH}" for s in steps if s > GROWTH]
        rows.append([name, *(f"{m.capture(make, size * t)[1]:,}" for t in (1, times[name][-1])), *(f"{s:.2f}" for s in steps), *["-"] * (2 - len(steps))])
    table(f"Growth of `-q -z tcphs,conn`: instructions for ten times the packets (≤ {GROWTH})",
          ["capture", "packets, from", "to", "1 to 10", "10 to 100"], rows)
    return over


# The monitoring run


CPU_SHARE, MEMORY_SHARE, MONITORING = 0.45, 0.20, 2  # the place of the monitoring run in the table


def monitor(m, short):
    if short:
        return []
    path, packets = m.capture(traffic.usual, 26_000)
    runs = {"`tshark -q -z conv,tcp`, no plugin": (m.alone, [m.alone.tshark, *CONV, "-r", path]),
            "`tshark -q -z tcphs,conn`": (m.ours, [m.ours.tshark, *CONN, "-r", path]),
            "`tshark -C \"tcphs monitor\" -q -z tcphs,conn`": (m.ours, [m.ours.tshark, "-C", "tcphs monitor", *CONN[1:], "-r", path])}
    if shutil.which("tcptrace"):
        runs["tcptrace"] = (m.ours, ["tcptrace", "-n", path])
    if shutil.which("suricata"):
        runs["Suricata"] = (m.ours, ["suricata", "--runmode", "single", "-S", "/dev/null", "-l", m.ours.folder("suricata"), "-r", path])
    took = {name: [] for name in runs}
    for _ in range(3):  # in turn: what else the machine does hits all of them
        for name, (host, command) in runs.items():
            took[name].append(m.takes(host, command))
    plain, least = (statistics.median(x) for x in zip(*next(iter(took.values())))), []
    plain = list(plain)
    for name, values in took.items():
        cpu, rss = (statistics.median(x) for x in zip(*values))
        spread = f"{min(v[0] for v in values):.1f} to {max(v[0] for v in values):.1f}"
        least.append([name, f"{cpu:.1f} s ({spread})", f"{cpu / plain[0]:.2f}", f"{rss / 2**20:.0f} MB", f"{rss / plain[1]:.2f}"])
    table(f"One capture of {packets:,} packets and 26,000 connections: medians of three runs in turn",
          ["run", "CPU", "of the first", "peak memory", "of the first"], least)
    cpu, rss = (float(least[MONITORING][i]) for i in (2, 4))
    return ([f"monitoring run: {cpu} of the CPU, budget {CPU_SHARE}"] if cpu > CPU_SHARE else []) + (
        [f"monitoring run: {rss} of the memory, budget {MEMORY_SHARE}"] if rss > MEMORY_SHARE else [])


def main():
    parts = {"cost": cost, "core": core, "memory": memory, "growth": growth, "monitor": monitor, "window": window.load}
    args = sys.argv[1:]
    wanted = [a for a in args if a != "--short"] or [p for p in parts if p != "window"]
    if set(wanted) - set(parts):
        sys.exit(__doc__)
    if not shutil.which("valgrind") and set(wanted) != {"window"}:
        print("bench: skipped: not installed: valgrind")
        sys.exit(77)
    m = Machine()
    print("TShark " + ".".join(map(str, m.ours.version)))
    try:
        over = [line for name in wanted for line in parts[name](m, "--short" in args)]
    finally:
        m.close()
    print("\n" + ("\n".join(f"over budget: {line}" for line in over) or "all within budget"))
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
