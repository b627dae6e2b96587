"""What loading a capture takes in Wireshark's own window, on a virtual screen, with and without the plugin, in turn.

Leaves to others: what the window shows (tests/e2e/test_gui.py).
"""
import os
import statistics
import subprocess
import sys
import time

import traffic

SHARE = 1.05
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """User and system seconds so far."""
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def wait_until_quiet(program, seconds=4.0):
    """Loaded: it has used next to no CPU for so long. It does not tell in another way."""
    last, since = 0.0, time.monotonic()
    while program.poll() is None and time.monotonic() - since < seconds:
        time.sleep(0.5)
        now = cpu_of(program.pid)
        if now < 1 or now - last > 0.1:
            last, since = now, time.monotonic()
    return last


def loaded(host, display, path):
    """CPU seconds of Wireshark from its start until the capture is loaded and the window is idle."""
    run = host.folder("run")
    run.chmod(0o700)
    env = dict(host.env, DISPLAY=display, QT_QPA_PLATFORM="xcb", XDG_RUNTIME_DIR=str(run), QT_ACCESSIBILITY="0")
    program = subprocess.Popen([host.wireshark, "-n", "-r", str(path), "-o", "gui.update.enabled:FALSE"], env=env, preexec_fn=host.drop,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=host.home)
    try:
        seconds = wait_until_quiet(program)
        if program.poll() is not None:
            sys.exit(f"bench: Wireshark ended by itself with {program.returncode}")
        return seconds
    finally:
        program.kill()
        program.wait()


def load(m, short):
    """A million packets, five pairs."""
    path, packets = m.capture(traffic.usual, 200 if short else 20_000)
    read_end, write_end = os.pipe()
    screen = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x800x24", "-ac", "-nolisten", "tcp"],
                              pass_fds=[write_end], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        display = f":{pipe.readline().strip()}"
    try:
        took = [[loaded(host, display, path) for host in (m.alone, m.ours)] for _ in range(1 if short else 5)]
    finally:
        screen.terminate()
        screen.wait()
    ratios = [b / a for a, b in took]
    print(f"\nWireshark loads {packets:,} packets: CPU without and with tcphs "
          + ", ".join(f"{a:.1f} s and {b:.1f} s" for a, b in took)
          + f"; with over without: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f} (≤ {SHARE})", flush=True)
    return [f"window: {statistics.median(ratios):.3f} of the CPU, budget {SHARE}"] if statistics.median(ratios) > SHARE else []
