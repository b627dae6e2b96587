"""The fixtures of every test that runs the host: the installation under test, and the same without tcphs.

Environment: TCPHS_PLUGIN (default build/plugin/tcphs.so), TCPHS_TSHARK, TCPHS_SHARKD, TCPHS_WIRESHARK.
"""
import pytest

import harness


@pytest.fixture(scope="session")
def host():
    yield from harness.installed()


@pytest.fixture(scope="session")
def bare_host():
    """The same installation without tcphs."""
    made = harness.Host(**harness.chosen())
    yield made
    made.close()
