"""The installation under test is that of the end-to-end tests, with the same options and environment; draws are those of the trust tests."""
import importlib.util
import sys
from pathlib import Path

E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path[:0] = [str(E2E), str(E2E.parent / "robustness")]
import draws  # noqa: E402

spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
e2e_conftest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(e2e_conftest)
host = e2e_conftest.host

pytest_terminal_summary = draws.pytest_terminal_summary
