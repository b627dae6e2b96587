"""Two installations of one Wireshark, with and without the plugin, and what a run of them takes: instructions, memory, CPU time.

Leaves to others: what is run and what it may take (bench.py).
"""
import functools
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402

VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
RUSAGE = """import os, sys
p = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, r = os.wait4(p, 0)
print(r.ru_utime + r.ru_stime, r.ru_maxrss)
sys.exit(status != 0)"""
BUILT = Path(os.environ.get("TCPHS_BENCH", harness.ROOT / "build" / "tests"))


class Machine:
    def __init__(self):
        ask = os.environ.get
        args = dict(plugin=ask("TCPHS_PLUGIN", harness.ROOT / "build" / "plugin" / "tcphs.so"), tshark=ask("TCPHS_TSHARK", "tshark"),
                    sharkd="sharkd", wireshark=ask("TCPHS_WIRESHARK", "wireshark"))
        self.alone, self.ours, self.counted = harness.Host(**args), harness.Host(**args), {}
        for host in (self.alone, self.ours):
            self.give_own_plugins(host)
        assert not [row for row in self.alone.glossary("plugins") if row[0] == "tcphs.so"], "the host is not alone"
        self.ours.install()
        self.ours.assert_loaded()
        for host in (self.alone, self.ours):
            shutil.copy(BUILT / "bench_still.so", host.home / "still.so")
            (host.home / "still.so").chmod(0o755)
        self.use_profile()

    def give_own_plugins(self, host):
        """TRANSUM is one of the host's own; a tcphs.so beside them, installed for everybody, is left out."""
        listed = host.run(host.tshark, "-G", "folders", env={k: v for k, v in host.env.items() if k != "WIRESHARK_PLUGIN_DIR"}).stdout
        source = Path(re.search(r"^Global Plugins:\s+(\S+)", listed, re.M).group(1)) / "epan"
        folder = host.folder("own-plugins", "{}.{}".format(*host.version), "epan")
        for plugin in source.glob("*.so"):
            if plugin.name != "tcphs.so":
                shutil.copyfile(plugin, folder / plugin.name)
                (folder / plugin.name).chmod(0o755)
        host.env["WIRESHARK_PLUGIN_DIR"] = str(folder.parents[1])

    def use_profile(self):
        folder = self.ours.folder(".config", "wireshark", "profiles", "tcphs monitor")
        for path in (harness.ROOT / "plugin" / "profile" / "tcphs monitor").iterdir():
            shutil.copy(path, folder)

    def close(self):
        self.alone.close()
        self.ours.close()

    @functools.lru_cache(maxsize=None)
    def capture(self, make, size):
        """Path for both and how many packets it holds."""
        path = self.ours.folder("bench") / f"{make.__name__}-{size}.pcap"
        packets = make(path, size)
        path.chmod(0o644)
        return path, packets

    def forget(self, make, size):
        """Large captures do not stay on the disk."""
        self.capture(make, size)[0].unlink()
        self.capture.cache_clear()

    def instructions(self, host, args, capture):
        """Counted once for each host, arguments and capture: two parts of the bench may ask for the same."""
        key = (host is self.ours, *args, capture)
        if key not in self.counted:
            self.counted[key] = self.count(host, [host.tshark, *args, "-r", capture])
        return self.counted[key]

    def count(self, host, command):
        done = host.run(*VALGRIND, *command, timeout=2400, env=dict(host.env, LD_PRELOAD=str(host.home / "still.so")))
        found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
        if done.returncode or not found:
            sys.exit(f"bench: {' '.join(map(str, command))}: exit {done.returncode}: {done.stderr[-400:]}")
        return int(found.group(1).replace(",", ""))

    def takes(self, host, command):
        """Seconds of CPU and peak resident memory in bytes, as the kernel counted them for the child."""
        done = host.run("/usr/bin/python3", "-c", RUSAGE, *command, timeout=2400)
        if done.returncode:
            sys.exit(f"bench: {' '.join(map(str, command))}: {done.stderr[-400:]}")
        seconds, kilobytes = done.stdout.split()
        return float(seconds), int(kilobytes) * 1024

    def resident(self, host, args, capture):
        return self.takes(host, [host.tshark, *args, "-r", capture])[1]
