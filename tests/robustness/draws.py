"""How much the long run draws, and from where: always the same unless the environment says otherwise.

TCPHS_TRUST_SEED      where draws begin; "new" makes one up, and the last lines of the test say which, to be given back
TCPHS_TRUST_SECONDS   draws go on for as long, in each test that draws; without it each has a fixed number
"""
import functools
import os
import secrets
import time

SECONDS = float(os.environ.get("TCPHS_TRUST_SECONDS", "0"))


@functools.lru_cache(maxsize=None)
def seed():
    given = os.environ.get("TCPHS_TRUST_SEED", "1")
    return secrets.token_hex(4) if given == "new" else given


def turns(count, share=1.0):
    """Counts as many turns as a test has, or for its share of the time that was asked for; at least one."""
    end, turn = time.monotonic() + SECONDS * share, 0
    while turn == 0 or (time.monotonic() < end if SECONDS else turn < count):
        yield turn
        turn += 1


def pytest_terminal_summary(terminalreporter):
    if "TCPHS_TRUST_SEED" in os.environ:
        terminalreporter.write_line(f"draws: seed: TCPHS_TRUST_SEED={seed()}")
