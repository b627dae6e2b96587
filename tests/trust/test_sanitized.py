"""The unit tests under AddressSanitizer and UndefinedBehaviorSanitizer."""
from conftest import run


def test_unit_tests(sanitized):
    done = run("ctest", "--test-dir", sanitized, "-L", "unit", "--output-on-failure")
    assert "100% tests passed" in done.stdout
