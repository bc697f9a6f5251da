"""Runs built tests with a mutant on, and says what became of it."""

import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from catalogue import Mutant
from scratch import STATE, environment

LONGEST = 150
# The name of no mutant: with it on, the switches are asked and all guards hold.
NONE = "none"
LOGS = STATE / "logs"
KILLED, BY_PACKAGE, SURVIVED, UNDECIDED = "killed", "killed by another test", "survived", "not decided"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, by which test, and how long that took."""

    mutant: Mutant
    outcome: str
    test: str
    seconds: float


class Suites:
    """The tests that were built. A test is named by its binary and itself, as cargo nextest does."""

    def __init__(self, suites: dict):
        self.suites = suites
        self.tests = {
            f"{id} {name}" for id, suite in suites.items() for name, case in suite["testcases"].items() if not case["ignored"]
        }

    def of(self, mutant: Mutant) -> list[str]:
        """The tests of its packages; first those whose names share most words with what the guard protects."""
        packages = {id for id, suite in self.suites.items() if suite["package-name"] in mutant.packages}
        words = set(re.findall(r"[a-z]{4,}", f"{mutant.protects} {mutant.id}".lower()))
        tests = [test for test in self.tests if test.split()[0] in packages and test != mutant.killer]
        return sorted(tests, key=lambda test: (-len(words & set(re.findall(r"[a-z]{4,}", test))), test))

    def passes(self, test: str, mutant: str = NONE) -> bool:
        """Runs one test; false when it fails or does not end in time."""
        id, name = test.split()
        suite = self.suites[id]
        folder = suite["cwd"]
        log = LOGS / f"{mutant}.{name.replace('::', '.')[-120:]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [suite["binary-path"], "--exact", name, "--nocapture", "--test-threads=1"],
                cwd=folder, env=environment(mutant) | {"CARGO_MANIFEST_DIR": folder}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        passed = process.returncode == 0
        if passed and b"1 passed" not in log.read_bytes():
            raise SystemExit(f"{test} did not run; see {log}")
        if passed:
            log.unlink()
        return passed


def sound_killers(suites: Suites, mutants: list[Mutant], workers: int) -> set[str]:
    """The expected killers that pass while no mutant is on; the others prove nothing."""
    killers = sorted({mutant.killer for mutant in mutants if mutant.killer})
    gone = [killer for killer in killers if killer not in suites.tests]
    if gone:
        raise SystemExit("these tests are not there: " + ", ".join(gone))
    with ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(suites.passes, killers))
    again = {killer: suites.passes(killer) for killer, passed in zip(killers, results) if not passed}
    return {killer for killer, passed in zip(killers, results) if passed or again[killer]}


def by_killer(suites: Suites, mutant: Mutant, sound: set[str]) -> Verdict:
    started = time.monotonic()
    if mutant.killer and mutant.killer not in sound:
        return Verdict(mutant, UNDECIDED, f"{mutant.killer} fails without any mutant", 0)
    killed = bool(mutant.killer) and not suites.passes(mutant.killer, mutant.id)
    return Verdict(mutant, KILLED if killed else SURVIVED, mutant.killer, time.monotonic() - started)


def by_package(suites: Suites, mutant: Mutant, workers: int) -> Verdict:
    """Runs the tests of its packages until one fails that passes without the mutant."""
    started = time.monotonic()
    tests = suites.of(mutant)
    with ThreadPoolExecutor(workers) as pool:
        for begin in range(0, len(tests), workers):
            part = tests[begin : begin + workers]
            failed = [test for test, passed in zip(part, pool.map(lambda test: suites.passes(test, mutant.id), part)) if not passed]
            for test in failed:
                if suites.passes(test) and not suites.passes(test, mutant.id):
                    return Verdict(mutant, BY_PACKAGE, test, time.monotonic() - started)
    return Verdict(mutant, SURVIVED, "", time.monotonic() - started)
