#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Holds what decides about trust to its tests (docs/proof.md has the last results).

    .venv/bin/python scripts/proof.py coverage [GROUP ...]  100 % of lines and branches, else exit 1
    .venv/bin/python scripts/proof.py mutants [GROUP ...]   95 % of mutants killed, else exit 1; 15 minutes of one core

The groups, their files and the tests that must notice are in pyproject.toml, [tool.trustseg.proof]. Mutants are made by
mutmut in a copy under .cache/; it and coverage are locked in requirements/mutation.txt and installed beside .venv.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from locked_packages import installed

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10; a requirement of pytest there
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
LOCK = ROOT / "requirements" / "mutation.txt"
PACKAGES = {name: ROOT / "ros2_ws" / "src" / name / name for name in ("trustseg", "trustseg_ros")}
FLOOR_PERCENT = 95.0
# Exit codes that mutmut stores for a mutant, by what became of it (-11: the tests crashed). One that ran out of time
# does not count as killed: the tests of a slow machine would look as good as a mutant that loops.
KILLED = "killed"
OUTCOMES = {KILLED: (1, 3, -11), "survived": (0,), "not reached": (5, 33), "timed out": (-24, 24, 36, 152, 255)}
REPORT_HEAD = f"| group | mutants | {' | '.join(OUTCOMES)} | share killed |\n|---|{'---|' * len(OUTCOMES)}---|---|"
# Examples that do not change from run to run and no time limit on each: a mutant dies by what it does alone.
HYPOTHESIS = "--hypothesis-profile=ci"
# A mutant that never answers fails its test after so many seconds, before the time limit of all tests is over.
WAIT_S = "2"


@dataclass(frozen=True)
class Group:
    """Files below the packages, and tests below tests/unit."""

    name: str
    files: list[str]
    tests: list[str]


def main() -> int:
    """0 when every group reaches its floor, 1 when one does not, 2 when nothing can be said."""
    groups = read_groups()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    coverage = commands.add_parser("coverage", help="lines and branches")
    mutants = commands.add_parser("mutants", help="mutation tests")
    for command in (coverage, mutants):
        command.add_argument("group", nargs="*", help=f"one of {', '.join(groups)}; default: all")
    mutants.add_argument("--report", type=Path, help="write table and survivors to this file (Markdown)")
    options = parser.parse_args()
    tool = install_tool()
    unknown = set(options.group) - set(groups)
    if unknown:
        parser.error(f"unknown group: {', '.join(sorted(unknown))}")
    chosen = [g for g in groups.values() if not options.group or g.name in options.group]
    return cover(chosen, tool) if options.command == "coverage" else mutate(chosen, tool, options.report)


def read_groups() -> dict[str, Group]:
    """The groups of pyproject.toml by name."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {name: Group(name, **entry) for name, entry in settings["tool"]["trustseg"]["proof"].items()}


def install_tool() -> Path:
    """Folder with mutmut and coverage, made again when the lock changes."""
    return installed(LOCK, CACHE / "mutmut")


def environment(tool: Path) -> dict[str, str]:
    """Variables for a process that tests: the tool, and ROS's paths, without which conftest.py starts it again."""
    sys.path.insert(0, str(PACKAGES["trustseg"].parent))
    from trustseg.host.ros_env import ros_environment

    env = ros_environment(allocator=False)
    env["PYTHONPATH"] = os.pathsep.join([*filter(None, [env.get("PYTHONPATH")]), str(tool)])
    return env


def cover(groups: list[Group], tool: Path) -> int:
    """Run every group's tests and report the lines and branches of its files that none of them took."""
    tests = [f"tests/unit/{test}" for group in groups for test in group.tests]
    files = ",".join(str(PACKAGES[name.split("/")[0]].parent / name) for group in groups for name in group.files)
    env = {**environment(tool), "COVERAGE_FILE": str(CACHE / "coverage.data")}
    coverage = [sys.executable, "-m", "coverage"]
    measured = [*coverage, "run", "--branch", f"--include={files}", "-m", "pytest", "-q", "-pno:cacheprovider"]
    ran = subprocess.run([*measured, HYPOTHESIS, *tests], cwd=ROOT, env=env, check=False)
    if ran.returncode:
        return 2
    report = [*coverage, "report", "--show-missing", "--fail-under=100", "--precision=1"]
    return 1 if subprocess.run(report, cwd=ROOT, env=env, check=False).returncode else 0


def mutate(groups: list[Group], tool: Path, report: Path | None) -> int:
    """Change the files of each group one expression at a time and count what its tests notice."""
    good, rows, survivors = True, [REPORT_HEAD], []
    for group in groups:
        folder = copy_for(group)
        run_mutmut(tool, folder, "run", "--max-children", "1")
        codes = exit_codes(folder)
        found = {what: sorted(n for n, code in codes.items() if code in ends) for what, ends in OUTCOMES.items()}
        strange = set(codes).difference(*found.values())
        if strange or not codes:
            sys.stderr.write(f"proof: group {group.name}: no result for {sorted(strange) or 'any mutant'}\n")
            return 2
        share = 100.0 * len(found[KILLED]) / len(codes)
        good = good and share >= FLOOR_PERCENT
        counts = " | ".join(str(len(names)) for names in found.values())
        rows.append(f"| {group.name} | {len(codes)} | {counts} | {share:.1f} % |")
        print(rows[-1], flush=True)
        for what, name in [(w, n) for w, names in found.items() if w != KILLED for n in names] if report else ():
            change = run_mutmut(tool, folder, "show", name)
            survivors.append(f"\n{name} ({what})\n\n```diff\n{change.partition(chr(10))[2].strip()}\n```")
    print("\n".join(rows))
    if report is not None:
        report.write_text("\n".join([*rows, *survivors]) + "\n", encoding="utf-8")
    return 0 if good else 1


def copy_for(group: Group) -> Path:
    """A tree as mutmut wants it: src/<package>, tests, settings."""
    folder = CACHE / "mutants" / group.name
    shutil.rmtree(folder, ignore_errors=True)
    # Without tests/conftest.py: it starts a process again whose LD_LIBRARY_PATH is not as wanted. Importing OpenCV
    # changes that variable, and what would start again in a mutant's process is mutmut.
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name, package in PACKAGES.items():
        shutil.copytree(package, folder / "src" / name, ignore=skip)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=skip)
    (folder / "tests" / "conftest.py").unlink()
    shutil.copy(ROOT / "pyproject.toml", folder)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/{name}" for name in group.files],
        "pytest_add_cli_args_test_selection": [f"tests/unit/{test}" for test in group.tests],
        "pytest_add_cli_args": ["-pno:cacheprovider", HYPOTHESIS],
    }
    lines = [line for key, values in settings.items() for line in (f"{key}=", *(f"    {value}" for value in values))]
    # A worker must not inherit what the tests of an earlier one left behind (threads of DDS, say).
    (folder / "setup.cfg").write_text("\n".join(["[mutmut]", *lines, "process_isolation=forkserver", ""]))
    return folder


def run_mutmut(tool: Path, folder: Path, *arguments: str) -> str:
    """Output of one mutmut command; ends this program with 2 when it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments], cwd=folder, env={**environment(tool), "TEST_WAIT_S": WAIT_S},
        text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if ran.returncode:
        sys.stderr.write(f"{ran.stdout[-4000:]}\nproof: mutmut {' '.join(arguments)} failed in {folder}\n")
        raise SystemExit(2)
    return ran.stdout


def exit_codes(folder: Path) -> dict[str, int | None]:
    """Exit code of the tests of each mutant, by the mutant's name."""
    found: dict[str, int | None] = {}
    for meta in sorted((folder / "mutants").rglob("*.meta")):
        found.update(json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"])
    return found


if __name__ == "__main__":
    raise SystemExit(main())
