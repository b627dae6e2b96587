"""libFuzzer on the core, under AddressSanitizer and UndefinedBehaviorSanitizer: the corpus again, and then new talks for a while.

The corpus is what the trace scripts say, made anew each time, and what fuzzing has added to it (tests/fuzz/corpus). What is covered
is measured with the unit tests on top.
"""
import re
import shutil
import subprocess
import zlib

import pytest

import draws
from conftest import ROOT, built, needs, run
from never_taken import NEVER_TAKEN

TARGETS = ("core", "zeek")
TALKS = {"core": 150_000, "zeek": 150_000}  # new ones in the short form
SHARE = {"core": 0.75, "zeek": 0.25}  # of the time for new talks, where a time is asked for
LONGEST = 400
WITH_CLANG = ("-DCMAKE_C_COMPILER=clang", "-DTCPHS_FUZZ=ON", "-DTCPHS_HARDENING=OFF")
UNIT_TESTS = ("test_machine", "test_cold_codec", "test_capture_duplicates", "test_connection", "test_properties", "test_unanswered_syns",
              "test_zeek")
DONE = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
JUDGED = re.compile(r"segments judged: (\d+)")

# Conditions that another version of clang than the one measured with may see in the same source.
MEASURED_WITH, OTHERS_MAY_MISS = 14, 16


@pytest.fixture(scope="module")
def fuzzers():
    needs("clang", "llvm-cov", "llvm-profdata")
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
def test_new_talks(fuzzers, corpus, target, tmp_path):
    limit = f"-max_total_time={max(1, int(draws.SECONDS * SHARE[target]))}" if draws.SECONDS else f"-runs={TALKS[target]}"
    tried = fuzz(fuzzers, target, f"-seed={zlib.crc32(draws.seed().encode()) or 1}", limit, tmp_path, corpus)
    print(f"{target}: {tried} talks")
    assert tried > len(list(corpus.iterdir())), "the time was not enough to read the corpus"


@pytest.fixture(scope="module")
def coverage(corpus, tmp_path_factory):
    """The branches of plugin/core as llvm-cov shows them, from unit tests and corpus together."""
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
    return run("llvm-cov", "show", "-show-branches=count", jobs[0][0], "-instr-profile", out / "all", *objects, ROOT / "plugin" / "core").stdout


def branches_of(text):
    """What `llvm-cov show` tells of the sides of branches: (source, line, column, side) and whether it was ever taken. Code in headers is
    there once for each source that includes it, and a side taken in one of them is taken. Sides that the compiler knows are left out."""
    source, sides = None, {}
    for line in text.splitlines():
        if re.match(r"/\S+:$", line):
            source = line.rstrip(":")
        branch = re.match(r"\s*\|\s*Branch \((\d+):(\d+)\): \[(.*)\]", line)
        for side, count in re.findall(r"(True|False): ([^\s,]+)", branch.group(3) if branch else ""):
            where = source, int(branch.group(1)), int(branch.group(2)), side.lower()
            sides[where] = sides.get(where, False) or count != "0"
    return sides


def faults_of(sides, listed):
    """What is never taken and not listed, and what is listed and taken or no longer there. A version of clang may tell nothing of a line."""
    lines = {path.name: [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
             for path in (ROOT / "plugin" / "core").rglob("*.[ch]")}
    told = {True: set(), False: set()}
    for (source, row, _, side), taken in sides.items():
        name = source.rsplit("/", 1)[-1]
        told[taken].add((name, lines[name][row - 1], side))
    gone = {row for row in listed if row[1] not in lines.get(row[0], ())}
    return ([f"never taken, and not listed: {row}" for row in sorted(told[False] - listed)] +
            [f"listed, but taken: {row}" for row in sorted((told[True] - told[False]) & listed)] +
            [f"listed, but there is no such line: {row}" for row in sorted(gone)])


def test_coverage(coverage):
    sides = branches_of(coverage)
    print(f"branches {sum(sides.values())} of {len(sides)}")
    assert len(sides) > 2000, "the report was not understood"
    faults = faults_of(sides, {row[:3] for row in NEVER_TAKEN})
    print("\n".join(faults))
    assert not [fault for fault in faults if fault.startswith("listed")]
    version = int(re.search(r"version (\d+)", run("clang", "--version").stdout).group(1))
    assert len(faults) <= (0 if version == MEASURED_WITH else OTHERS_MAY_MISS), "\n".join(faults)
