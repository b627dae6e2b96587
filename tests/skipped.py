#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""CTest's last words: why tests were skipped, each reason once; and where draws began, if that was asked for.

  skipped.py FOLDER     where CTest keeps its logs; it runs this after the last test (CTestCustom.cmake) and prints what it says
"""
import re
import sys
from pathlib import Path

TEST = re.compile(r"\d+/\d+ Testing: (.*)")
REASON = re.compile(r"SKIPPED \[(\d+)\] .*?\.py(?::\d+)?: (.*)|\w+: skipped: ()(.*)")      # by `pytest -rs`; by a program of ours
SEED = re.compile(r"draws: seed: (.*)")


def reasons(log):
    """reason -> [how many tests, names of the CTest tests they are in], from CTest's log."""
    found, test = {}, ""
    for line in log.splitlines():
        begins, says = TEST.match(line), REASON.match(line)
        if begins:
            test = begins.group(1)
        if says:
            entry = found.setdefault((says.group(2) or says.group(4)).strip().removeprefix("Skipped: "), [0, []])
            entry[0] += int(says.group(1) or 1)
            entry[1] += [test] if test not in entry[1] else []
    return found


def main():
    folder = Path(sys.argv[1])
    log = next((folder / name for name in ("LastTest.log.tmp", "LastTest.log") if (folder / name).exists()), None)
    text = log.read_text(errors="replace") if log else ""
    for reason, (count, tests) in sorted(reasons(text).items()):
        print(f"skipped: {reason} ({count} in {', '.join(tests)})")
    for seed in sorted(set(SEED.findall(text))):
        print(f"seed: {seed}")


if __name__ == "__main__":
    main()
