"""libFuzzer on the core, under AddressSanitizer and UndefinedBehaviorSanitizer: the corpus again, and then new talks for a while.

The corpus is what the trace scripts say, made anew each time, and what fuzzing has added to it (tests/fuzz/corpus). What is covered
is measured with the unit tests on top.
"""
import json
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, built, run

TARGETS = ("core", "zeek")
SHARE = {"core": 0.75, "zeek": 0.25}  # of the time for new talks
LONGEST = 400
WITH_CLANG = ("-DCMAKE_C_COMPILER=clang", "-DTCPHS_FUZZ=ON", "-DTCPHS_HARDENING=OFF")
LEAST_COVERED = 97.5  # branches of plugin/core, in percent; 97.9 as this was written
UNIT_TESTS = ("test_machine", "test_pack", "test_properties", "test_zeek")
DONE = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
JUDGED = re.compile(r"segments judged: (\d+)")


@pytest.fixture(scope="module")
def fuzzers():
    return built("fuzz", *WITH_CLANG, targets=["fuzz_core", "fuzz_zeek", "fuzz_seed", "fuzz_show"]) / "tests" / "fuzz"


@pytest.fixture(scope="module")
def corpus(fuzzers, tmp_path_factory):
    """Both parts of the corpus in one folder."""
    folder = tmp_path_factory.mktemp("corpus")
    run(fuzzers / "fuzz_seed", folder, *sorted((ROOT / "tests" / "scripts").glob("*.trace")))
    for path in sorted((ROOT / "tests" / "fuzz" / "corpus").iterdir()):
        shutil.copy(path, folder)
    assert len(list(folder.iterdir())) > 400
    return folder


def fuzz(fuzzers, target, *arguments):
    """Runs a fuzzer to its end, and shows the talk that stopped it; returns how many talks it tried."""
    prefix = ROOT / "build" / f"finding-{target}-"
    done = subprocess.run([str(a) for a in (fuzzers / f"fuzz_{target}", f"-artifact_prefix={prefix}", f"-max_len={LONGEST}", "-print_final_stats=1",
                                            *arguments)], capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        found = re.search(r"Test unit written to (\S+)", done.stderr)
        shown = subprocess.run([fuzzers / "fuzz_show", found.group(1)], capture_output=True, text=True).stdout if found else ""
        pytest.fail(f"{shown}\n{done.stderr[-4000:]}")
    judged = JUDGED.search(done.stderr)
    print(f"{target}: {judged.group(1) if judged else 'no'} segments judged")
    return int(DONE.search(done.stderr).group(1))


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(fuzzers, corpus, target):
    assert fuzz(fuzzers, target, "-runs=0", corpus) >= len(list(corpus.iterdir()))


@pytest.mark.parametrize("target", TARGETS)
def test_new_talks(fuzzers, corpus, target, seconds, tmp_path):
    tried = fuzz(fuzzers, target, f"-max_total_time={max(1, int(seconds * SHARE[target]))}", tmp_path, corpus)
    print(f"{target}: {tried} talks")
    assert tried > len(list(corpus.iterdir())), "the time was not enough to read the corpus"


@pytest.fixture(scope="module")
def coverage(corpus, tmp_path_factory):
    """The report of llvm-cov on plugin/core, from unit tests and corpus together."""
    folder = built("coverage", *WITH_CLANG, "-DTCPHS_FUZZ_SANITIZERS=undefined", "-DCMAKE_C_FLAGS=-fprofile-instr-generate -fcoverage-mapping",
                   targets=["fuzz_core", "fuzz_zeek", "test_traces", *UNIT_TESTS])
    tests, out = folder / "tests", tmp_path_factory.mktemp("profiles")
    traces = sorted((ROOT / "tests" / "scripts").glob("*.trace"))
    jobs = [[tests / name] for name in UNIT_TESTS] + [[tests / "test_traces", *traces]]
    jobs += [[tests / "fuzz" / f"fuzz_{t}", "-runs=0", f"-max_len={LONGEST}", corpus] for t in TARGETS]
    for i, job in enumerate(jobs):
        run("env", f"LLVM_PROFILE_FILE={out}/{i}.profraw", *job)
    run("llvm-profdata", "merge", "-o", out / "all", *out.glob("*.profraw"))
    objects = [word for job in jobs[1:] for word in ("-object", str(job[0]))]
    more = ("-instr-profile", out / "all", *objects, ROOT / "plugin" / "core")
    return (json.loads(run("llvm-cov", "export", "-summary-only", jobs[0][0], *more).stdout)["data"][0],
            run("llvm-cov", "show", "-show-branches=count", jobs[0][0], *more).stdout)


def never_taken(text):
    """The lines of `llvm-cov show` that hold a branch of which one side was never taken."""
    source, found = "", []
    for line in text.splitlines():
        if re.match(r"/\S+:$", line):
            source = line.rstrip(":").rsplit("/", 1)[-1]
        branch = re.match(r"\s*\|\s*Branch \((\d+):(\d+)\): \[True: (\S+), False: (\S+)\]", line)
        if branch and "0" in branch.groups()[2:]:
            found.append("{}:{}:{} true {} false {}".format(source, *branch.groups()))
    return sorted(set(found))


def test_coverage(coverage):
    summary, text = coverage
    branches = summary["totals"]["branches"]
    print(f"branches {branches['covered']} of {branches['count']}, lines {summary['totals']['lines']['percent']:.2f} %")
    print("\n".join(never_taken(text)))
    assert branches["percent"] >= LEAST_COVERED, "\n".join(never_taken(text))
