"""Takes guards away, one at a time, and sees whether a test notices (docs/reliability.md, Guards).

    mutants.py                  compiles a scratch copy with every mutant behind a switch, and tries each
    mutants.py --only ID        this one (may be repeated)
    mutants.py --area NAME      those of list/NAME.toml (may be repeated)
    mutants.py --list           prints them and compiles nothing
    mutants.py --check          looks whether each guard is where the list says, and docs/reliability.md is current; compiles nothing
    mutants.py --docs           writes the table of docs/reliability.md
    mutants.py --learn          writes the test that killed a mutant into its list where another one, or none, was expected
    mutants.py --thorough       runs the tests of its packages for a mutant that may survive, too (hours)
"""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import catalogue
import report
import scratch
import trial
from catalogue import ROOT, Mutant


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="ID")
    parser.add_argument("--area", action="append", default=[], metavar="NAME")
    for flag in ("list", "check", "docs", "learn", "thorough"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--workers", type=int, default=2, help="how many tests run at once (2)")
    return parser.parse_args()


def chosen(mutants: list[Mutant], asked: argparse.Namespace) -> list[Mutant]:
    unknown = set(asked.only) - {mutant.id for mutant in mutants} | set(asked.area) - {mutant.area for mutant in mutants}
    if unknown:
        raise SystemExit(f"there is no {', '.join(sorted(unknown))}; --list shows what there is")
    if not asked.only and not asked.area:
        return mutants
    return [mutant for mutant in mutants if mutant.id in asked.only or mutant.area in asked.area]


def check(mutants: list[Mutant], prepared: list[catalogue.Edit]) -> int:
    found = catalogue.problems(mutants, prepared)
    if not report.is_page_current(mutants):
        found.append("docs/reliability.md has another table of survivors; type python3 tests/mutants/mutants.py --docs")
    for problem in found:
        print(problem)
    if found:
        print("a guard that was moved or changed needs its mutant changed too: tests/mutants/list")
    return int(bool(found))


def run(mutants: list[Mutant], asked: argparse.Namespace) -> list[trial.Verdict]:
    """Tries these mutants: each by its expected killer, then those that survived by the tests of their packages."""
    trial.LOGS.mkdir(parents=True, exist_ok=True)
    for log in trial.LOGS.glob("*.log"):
        log.unlink()
    suites = trial.Suites(scratch.build())
    print(f"trying {len(mutants)} mutants", flush=True)
    started = time.monotonic()
    sound = trial.sound_killers(suites, mutants, asked.workers)
    print(f"the expected killers pass without them: {time.monotonic() - started:.0f} s", flush=True)
    with ThreadPoolExecutor(asked.workers) as pool:
        verdicts = list(pool.map(lambda mutant: trial.by_killer(suites, mutant, sound), mutants))
    print(f"the expected killers with them: {time.monotonic() - started:.0f} s", flush=True)
    for index, verdict in enumerate(verdicts):
        if verdict.outcome == trial.SURVIVED and (asked.thorough or asked.learn or not verdict.mutant.known):
            verdicts[index] = found = trial.by_package(suites, verdict.mutant, asked.workers)
            print(f"{found.mutant.id}: {found.outcome} {found.test} ({found.seconds:.0f} s)", flush=True)
            if asked.learn and found.outcome == trial.BY_PACKAGE:
                catalogue.keep_killer(found.mutant, found.test)
    subprocess.run([str(scratch.TREE / "local/stack/database.sh"), "--drop-tests"], env=scratch.environment(), check=True)
    return verdicts


def main() -> int:
    asked = arguments()
    mutants, prepared = catalogue.load()
    if asked.docs:
        report.PAGE.write_text(report.page_with_table(mutants))
        return 0
    if asked.list:
        for mutant in chosen(mutants, asked):
            print(f"{mutant.area:14} {mutant.id:32} {mutant.protects}\n{'':47} {mutant.file}: {mutant.killer or mutant.known}")
        return 0
    if check(mutants, prepared) and (asked.check or not asked.learn):
        return 1
    if asked.check:
        return 0
    some = chosen(mutants, asked)
    stack = ROOT / "local" / "stack"
    subprocess.run([str(stack / "install.sh")], check=True)
    subprocess.run([str(stack / "install.sh"), "kafka"], check=True)
    subprocess.run([str(stack / "start.sh")], check=True)
    scratch.prepare(mutants, prepared)
    scratch.seed_target()
    started = time.monotonic()
    verdicts = run(some, asked)
    seconds = time.monotonic() - started
    report.write(verdicts, seconds)
    return int(report.show(verdicts, seconds) > 0)


if __name__ == "__main__":
    sys.exit(main())
