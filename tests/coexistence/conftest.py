"""The fixtures of the end-to-end tests: the same installation, options, environment and captures."""
import importlib.util
import sys
from pathlib import Path

E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
e2e_conftest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(e2e_conftest)
host, bare_host, samples = e2e_conftest.host, e2e_conftest.bare_host, e2e_conftest.samples
put = e2e_conftest.put
