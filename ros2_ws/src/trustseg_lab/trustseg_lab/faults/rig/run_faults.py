# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults run`: every fault asked for happens to the real processes, and is judged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustseg.backends.selection import select_backend
from trustseg.bounds import MS, SECOND, Bounds
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.loading import checked_bundle
from trustseg.errors import InputError, TrustSegError
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.host.long_lived import keep_for_good
from trustseg.reasons import State
from trustseg_lab.faults.false_alarms import Calm, calm_row, changes, raised, unexplained
from trustseg_lab.faults.fault import CAMERA, Fault, FaultVariant
from trustseg_lab.faults.rig.fault_rig import FaultRig, place_of
from trustseg_lab.faults.rig.makers import made
from trustseg_lab.faults.rig.planner_probe import GUARD, VERDICTS, PlannerProbe
from trustseg_lab.faults.rig.stack import Stack, StackOptions
from trustseg_lab.faults.rig.stall_watch import StallWatch
from trustseg_lab.faults.trial_verdict import NOT_HERE, Expected, Trial, judge, row
from trustseg_lab.harness.rendered import CAMERA_SIZE, rendered_drive
from trustseg_lab.harness.script import plan_script
from trustseg_lab.harness.transport import drive_environment

FOOTAGE_S = 30.0
# How long is waited for a detection that is late: it is reported, not guessed at.
GRACE_NS = 2 * SECOND
RECOVERY_LIMIT_S = 60.0
# An OK that is asked for soon must also last for so long.
BACK_FOR_NS = 5 * SECOND


@dataclass(frozen=True)
class FaultsOptions:
    """What the user asked for; see `trustseg faults run --help`."""

    faults: Sequence[Fault]
    calm: Sequence[Calm] = ()
    trials: int = 1
    calm_minutes: float = 10.0
    bundle: str = DEFAULT_BUNDLE
    backend: str = "onnxruntime"
    precision: str = "fp32"
    threads: int = 2
    source: Path | None = None
    camera_size: tuple[int, int] = CAMERA_SIZE  # of the rendered drive: (height, width)
    rate_hz: float = 10.0
    latency_budget_ms: float = 250.0
    self_test_period_s: float = 60.0
    seed: int = 0
    keep_logs: Path | None = None


Progress = Callable[[str, int, int], None]


def run_faults(options: FaultsOptions, say: Callable[[str], None], progress: Progress) -> dict[str, Any]:
    """Run them all; the document of `--json`.

    Args:
        options: what and how. say: a line for the log. progress: name of what happens now, how many are done, of all.

    Raises:
        TrustSegError: bad input, or processes that could not be started.
    """
    ways = [(fault, way) for fault in options.faults for way in fault.ways]
    trials: dict[str, list[Trial]] = {way.kind: [] for _, way in ways}
    total, done = len(ways) * options.trials + len(options.calm), 0
    quiet = []
    with open_rig(options, say) as rig:
        rig.stack.use("plain")
        if not rig.wait_ok():
            raise TrustSegError(
                "the system does not come to OK before any fault", got=rig.describe(),
                fix="give the machine more time: --rate 5 --latency-budget-ms 500",
            )  # fmt: skip
        # What shares a setup follows each other: a change of setup starts processes again.
        for fault, way in sorted(ways, key=lambda pair: pair[1].setup != "plain"):
            for number in range(options.trials if way.how != NOT_HERE else 0):
                progress(f"{fault.number} {way.kind}", done, total)
                trial = run_trial(rig, fault, way, options.seed + number)
                say(f"{fault.number:2} {way.kind}: {_words(trial)}")
                trials[way.kind].append(trial)
                done += 1
        for calm in options.calm:
            progress(f"{calm.number} {calm.name}", done, total)
            quiet.append(watch_calm(rig, calm, options.calm_minutes, options.seed))
            say(f"{calm.number:2} {calm.name}: {_calm_words(quiet[-1])}")
            done += 1
        progress("done", total, total)
        bounds, resets = rig.probe.bounds, rig.resets
    return document(options, bounds, trials, resets) | {"false_alarms": quiet}


def document(options: FaultsOptions, bounds: Bounds, trials: dict[str, list[Trial]], resets: int) -> dict[str, Any]:
    """Rows in the table's order, and what they were measured with."""
    rows = []
    for fault in options.faults:
        identity = {"id": fault.number, "name": fault.name, "seam": fault.seam}
        of_fault = [trial for way in fault.ways for trial in trials[way.kind]]
        rows.append(row(identity, fault.how, fault.bound(bounds), of_fault, fault.why))
    return {
        "faults": rows,
        "camera_rate_hz": options.rate_hz,
        "latency_budget_ms": options.latency_budget_ms,
        "bundle": Path(options.bundle).name,
        "backend": options.backend,
        "precision": options.precision,
        "resets_by_the_operator": resets,
    }


def run_trial(rig: FaultRig, fault: Fault, way: FaultVariant, seed: int) -> Trial:
    """One fault, from OK to OK."""
    rig.stack.use(way.setup)
    _let_failures_age(rig, way)
    if not rig.wait_ok(frames=way.after_frames):
        return Trial(False, None, rig.probe.state, (), f"not OK before it: {rig.describe()}")
    try:
        trial = _happen(rig, fault, way, seed)
    except TrustSegError as error:  # it could not be made to happen, or not be ended: nothing is shown by that
        rig.probe.check()
        trial = Trial(False, None, rig.probe.state, (), str(error))
    limit_s = RECOVERY_LIMIT_S if way.back_within is None else way.back_within(rig.probe.bounds) / SECOND
    stuck = ""
    if not rig.wait_ok(limit_s):
        stuck = f"not OK again within {limit_s:.1f} s: {rig.describe()}"
    elif way.back_within is not None:
        stuck = _not_for_long(rig)
    if not stuck:
        rig.stack.clean()  # only now: what a process that starts has just made must not be taken for left behind
        return trial
    why = "; ".join(filter(None, (trial.why, stuck)))
    return Trial(False, trial.detected_ms, trial.state, trial.reasons, why)


def _not_for_long(rig: FaultRig) -> str:
    """Why the OK that was just reached did not last; empty when it did."""
    back_ns = rig.now_ns()
    rig.rest(BACK_FOR_NS)
    up = next((m for m in rig.probe.after(GUARD, back_ns) if m.failure), None)
    return "" if up is None else f"OK again, and {(up.at_ns - back_ns) / MS:.0f} ms later not: {', '.join(up.reasons)}"


def _let_failures_age(rig: FaultRig, way: FaultVariant) -> None:
    """Backend failures that follow each other soon latch, which is a fault of its own: each trial is to be a first."""
    if "BACKEND" not in way.expected.reasons or State.LATCHED.name in way.expected.states:
        return
    window_ns = FailsafeConfig(rig.probe.bounds).backend_window_ns
    failed = [m.at_ns for m in rig.probe.since(VERDICTS, 0) if "BACKEND" in m.reasons]
    if failed:
        rig.rest(max(failed) + window_ns - rig.now_ns())


def _happen(rig: FaultRig, fault: Fault, way: FaultVariant, seed: int) -> Trial:
    bound_ns = fault.bound_of(way, rig.probe.bounds)
    place, expected = place_of(way.kind), way.expected
    probe = rig.probe
    with made(rig, way, seed) as begun_ns:
        if expected.failure:
            limit_s = (begun_ns + bound_ns + GRACE_NS - rig.now_ns()) / SECOND
            probe.wait(lambda: any(expected.met_by(m) for m in probe.after(place, begun_ns)), max(0.1, limit_s))
            if not way.brief:
                rig.rest(way.hold_ns)
        else:
            rig.rest(bound_ns)
        ended_ns = rig.now_ns()
    return judge(probe.since(place, begun_ns), begun_ns, ended_ns, bound_ns, expected)


def watch_calm(rig: FaultRig, calm: Calm, minutes: float, seed: int) -> dict[str, Any]:
    """The line of one false-alarm row: how long the planner's guard was up while nothing was wrong."""
    rig.stack.use(calm.setup)
    probe = rig.probe
    if not rig.wait_ok():
        return calm_row(calm, None, 0, 0, f"not OK before it: {rig.describe()}")
    way = FaultVariant(calm.kind, CAMERA, Expected(("OK",), failure=False))
    with StallWatch() as watch, made(rig, way, seed) if calm.kind else nullcontext(rig.now_ns()):
        begun_ns, received = rig.now_ns(), probe.received
        kept, newest_ns, probe.late_ns = probe.since(GUARD, begun_ns)[:1], begun_ns, 0
        while (left_ns := begun_ns + round(minutes * 60 * SECOND) - rig.now_ns()) > 0:
            rig.rest(min(left_ns, SECOND))
            news = probe.after(GUARD, newest_ns + 1)
            kept += changes(news, kept[-1] if kept else None)
            newest_ns = news[-1].at_ns if news else newest_ns
        ended_ns, stalls = rig.now_ns(), watch.since(begun_ns)
        seen = raised(kept, begun_ns, ended_ns)
        rest = None if stalls is None else unexplained(kept, stalls, begun_ns, ended_ns, probe.bounds)
        row_of = calm_row(calm, seen, probe.received - received, probe.late_ns, rest=rest)
    rig.wait_ok(RECOVERY_LIMIT_S)
    return row_of


def _calm_words(row_of: dict[str, Any]) -> str:
    said = "quiet" if row_of["quiet"] else "NOT QUIET"
    stalls = "the machine's stalls are not known here"
    if row_of["stalls"] is not None:
        stalls = (
            f"{row_of['rises_after_stalls']} of them after one of {row_of['stalls']} stalls of the machine, "
            f"{row_of['without_stalls_percent']:g} % without them"
        )
    return (
        f"{said}: up {row_of['flag_up_percent']:g} % of {row_of['watched_s']:g} s (at most "
        f"{row_of['most_up_percent']:g} %), {row_of['rises']} rises ({stalls}) {', '.join(row_of['reasons'])} "
        f"{row_of['why']}"
    ).rstrip()


def _words(trial: Trial) -> str:
    said = "caught" if trial.caught else "NOT CAUGHT"
    after = "" if trial.detected_ms is None else f" after {trial.detected_ms:.0f} ms"
    return f"{said}{after}: {trial.state} {', '.join(trial.reasons)} {trial.why}".rstrip()


# Preparing ------------------------------------------------------------------------------------------------------


@contextmanager
def open_rig(options: FaultsOptions, say: Callable[[str], None]) -> Iterator[FaultRig]:
    """Everything running, with nothing left behind at the end."""
    # Refused here in one line; the node would latch SELF_TEST at each of its starts until the limit of a minute.
    select_backend(options.backend, checked_bundle(options.bundle), options.precision, options.threads).close()
    source = options.source or _rendered(options)
    work = Path(tempfile.mkdtemp(prefix="trustseg_faults_"))
    try:
        with drive_environment(work / "ros") as environment:
            # This process is one of the drive's too.
            os.environ.update({name: environment[name] for name in environment if name.startswith("ROS_")})
            stack_options = StackOptions(
                options.bundle, options.backend, options.precision, options.threads, source, options.rate_hz,
                options.latency_budget_ms, options.self_test_period_s, work,
            )  # fmt: skip
            with (
                PlannerProbe(stack_options.bounds) as probe,
                Stack(stack_options, environment, probe.fail) as stack,
            ):
                say(f"bounds: {stack_options.bounds.describe()}")
                keep_for_good()  # a round through all libraries would be an alarm of this process's own
                yield FaultRig(stack, probe, say)
    finally:
        if options.keep_logs is not None:
            shutil.copytree(work, options.keep_logs, dirs_exist_ok=True)
        shutil.rmtree(work, ignore_errors=True)


def _rendered(options: FaultsOptions) -> Path:
    script, _ = plan_script((), options.rate_hz, FOOTAGE_S)
    return rendered_drive(script, options.seed, options.camera_size).folder


def check_options(options: FaultsOptions) -> None:
    """InputError for numbers that make no sense."""
    for name, value, low, high in (
        ("--trials", options.trials, 1, 10_000),
        ("--minutes", options.calm_minutes, 0.05, 24 * 60.0),
        ("--rate", options.rate_hz, 1.0, 60.0),
        ("--latency-budget-ms", options.latency_budget_ms, 1.0, 5000.0),
        ("--threads", options.threads, 1, 64),
        ("--seed", options.seed, 0, 2**31 - 1),
    ):
        if not low <= value <= high:  # NaN is refused too
            raise InputError(f"{name} is out of range", expected=f"{low:g} to {high:g}", got=f"{value:g}")
