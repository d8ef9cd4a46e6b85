# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The state machine against the rules of docs/safety.md, over sequences nobody thought of.

The oracle below knows nothing of the machine's inside: it keeps the history of what was sent and states what may
never happen. It runs at the real counts under hypothesis and over every sequence of eight events at good_frames = 2.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig, Snapshot
from trustseg.failsafe.state_machine import StateMachine
from trustseg.failsafe.stream_rate import MIN_SEEN_SHARE
from trustseg.reasons import HARD_REASONS, Outcome, Reason, Severity, State, severity_of

PERIOD = SECOND // 30
BOUNDS = derive_bounds(PERIOD, 50 * MS)
HARD = [r for r in Reason if r & HARD_REASONS]
# Scores of good frames on both sides of the threshold below which DEGRADED is left.
CALM, T_LOW, MEDIUM = 0.1, 0.3, 0.5
SOFT = [Reason.LOW_QUALITY, Reason.LATENCY, Reason.BLUR, Reason.OBSCURED, Reason.STRANGE_SCENE]


@dataclass
class Oracle:
    """Sends events to a machine and checks each verdict against the history of what was sent."""

    config: FailsafeConfig
    now: int = SECOND
    instance: int = 1
    seq: int = 0
    run: int = 0
    run_since: int = 0
    last_inference: int | None = None
    failed_at: int = -(10**12)
    refused: bool = False
    forgotten: bool = False
    degraded: bool = False
    calm: int = 0
    seen_ok: bool = False
    soft: list[bool] = field(default_factory=list)
    shown: Snapshot | None = None

    def __post_init__(self) -> None:
        self.machine = StateMachine(self.config, self.now)
        self.shown = self.machine.snapshot(self.now)
        assert self.shown.failure

    # Events ---------------------------------------------------------------------------------------------------

    def status(
        self, reasons: Reason, outcome: Outcome = Outcome.PROCESSED, *, new_seq: bool = True, score: float = CALM
    ) -> None:
        self.seq += new_seq
        self.now += PERIOD
        # After a reset that forgot the numbers any is the first.
        new_seq, self.forgotten = new_seq or self.forgotten, False
        self.refused = not new_seq
        stale = self.silent()
        severity = severity_of(reasons)
        counts = outcome in (Outcome.PROCESSED, Outcome.REJECTED)
        bad = bool(reasons) or outcome is Outcome.REJECTED
        if stale or bad or not new_seq:
            self.run = 0
        if new_seq and counts:
            self.run += not bad
            if self.run == 1:
                self.run_since = self.now
            self.calm = self.calm + 1 if score <= T_LOW else 0
            self.soft = [*([] if stale else self.soft), severity is Severity.SOFT][-self.config.soft_window :]
            self.last_inference = self.now
        evidence = Evidence(
            self.instance, self.seq, outcome, not bad, severity, int(reasons), score, T_LOW, stamp_ns=self.now
        )
        hard = severity is Severity.HARD or outcome is Outcome.REJECTED or not new_seq
        if hard:
            self.failed_at = self.now
        before = self.shown
        after = self.check(self.machine.on_status(evidence, self.now))
        if hard:
            assert after.state in (State.FAILED, State.LATCHED)
        if severity is Severity.LATCH:
            assert after.state is State.LATCHED
        if sum(self.soft) >= self.config.soft_count and reasons:
            assert after.failure
        if outcome is Outcome.SKIPPED and not stale and new_seq:
            assert after.state is before.state

    def restart(self) -> None:
        self.instance += 1
        self.seq = self.run = 0
        self.last_inference, self.soft = None, []
        self.forgotten = False
        # The first status of the new instance must not find trust left over from the old one.
        self.status(Reason.NONE)
        assert self.shown.failure

    def silence(self) -> None:
        self.now += BOUNDS.age_limit_ns + 1
        self.run = 0 if self.last_inference is not None else self.run
        self.check(self.machine.on_tick(self.now))

    def wait(self, duration_ns: int) -> None:
        self.now += duration_ns
        if self.silent():
            self.run = 0
        self.check(self.machine.on_tick(self.now))

    def corrupt(self) -> None:
        self.run, self.failed_at = 0, self.now
        assert self.check(self.machine.on_corrupt(self.now)).failure

    def reset(self) -> None:
        was = self.shown.state
        self.forgotten, self.refused = self.forgotten or self.refused, False
        if was is State.LATCHED:
            self.run, self.soft = 0, []
        after = self.check(self.machine.reset(self.now), reset=True)
        if was is State.LATCHED:
            # UNKNOWN, or STALE at the next look; never trust.
            assert after.state in (State.UNKNOWN, State.STALE)

    # Properties -----------------------------------------------------------------------------------------------

    def silent(self) -> bool:
        return self.last_inference is not None and self.now - self.last_inference > BOUNDS.age_limit_ns

    def check(self, after: Snapshot, *, reset: bool = False) -> Snapshot:
        before, self.shown = self.shown, after
        if after.state is State.FAILED and before.state is not State.FAILED:
            self.failed_at = self.now
        assert after.failure is (after.state is not State.OK)
        assert bool(after.reasons) is (after.state is not State.OK)
        assert bool(after.first_reason) is (after.state is not State.OK)
        assert bool(after.latched) is (after.state is State.LATCHED)
        if before.failure and not after.failure:
            assert self.run >= self.config.good_frames, "trust without the run of good frames"
            assert self.now - self.run_since >= self.config.run_ns, "trust in what came all at once"
            assert not self.degraded or self.calm >= self.config.good_frames, "trust past the lower threshold"
            if before.state is not State.DEGRADED:
                assert self.now - self.failed_at >= self.config.dwell_ns
        if before.state is State.LATCHED and not reset:
            assert after.state is State.LATCHED
        if self.silent():
            assert after.failure
        # A fault, a silence or a latch says nothing in favour of masks that were degraded.
        if after.state in (State.DEGRADED, State.OK, State.UNKNOWN):
            self.degraded = after.state is State.DEGRADED
        self.seen_ok = self.seen_ok or after.state is State.OK
        return after


class AnySequence(RuleBasedStateMachine):
    """Random events at the real counts: ten good frames, two of three, 500 ms."""

    @initialize()
    def start(self) -> None:
        self.oracle = Oracle(FailsafeConfig(BOUNDS))

    @rule(count=st.integers(1, 25), score=st.sampled_from([CALM, MEDIUM]))
    def good(self, count: int, score: float) -> None:
        for _ in range(count):
            self.oracle.status(Reason.NONE, score=score)

    @rule(reasons=st.sets(st.sampled_from(SOFT), min_size=1))
    def soft(self, reasons: set[Reason]) -> None:
        self.oracle.status(Reason(sum(reasons)))

    @rule(reason=st.sampled_from(HARD), soft=st.sampled_from([Reason.NONE, *SOFT]))
    def hard(self, reason: Reason, soft: Reason) -> None:
        self.oracle.status(reason | soft, Outcome.REJECTED if reason is Reason.BAD_SIZE else Outcome.PROCESSED)

    @rule()
    def skipped(self) -> None:
        self.oracle.status(Reason.NONE, Outcome.SKIPPED)

    @precondition(lambda self: self.oracle.seq)
    @rule()
    def replayed(self) -> None:
        self.oracle.status(Reason.NONE, new_seq=False)

    @precondition(lambda self: self.oracle.seq)
    @rule()
    def restart(self) -> None:
        self.oracle.restart()

    @rule()
    def silence(self) -> None:
        self.oracle.silence()

    @rule(ms=st.integers(1, 60))
    def wait(self, ms: int) -> None:
        self.oracle.wait(ms * MS)

    @rule()
    def corrupt(self) -> None:
        self.oracle.corrupt()

    @rule(reason=st.sampled_from([Reason.MODEL_INTEGRITY, Reason.SELF_TEST]))
    def latch(self, reason: Reason) -> None:
        self.oracle.status(reason, Outcome.NO_FRAME)

    @rule()
    def reset(self) -> None:
        self.oracle.reset()

    @rule()
    def way_back(self) -> None:
        """From anywhere, the operator and forty good frames lead to OK: the flag is never stuck."""
        self.oracle.reset()
        for _ in range(40):
            self.oracle.status(Reason.NONE)
        assert self.oracle.shown.state is State.OK

    @rule()
    def degraded(self) -> None:
        self.way_back()
        for _ in range(2):
            self.oracle.status(Reason.LOW_QUALITY)
        assert self.oracle.shown.state is State.DEGRADED

    @invariant()
    def sequence_is_the_sources(self) -> None:
        if self.oracle.seq and not self.oracle.forgotten:
            assert self.oracle.shown.source_seq == self.oracle.seq


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=150, stateful_step_count=40)

# Every kind of thing that can happen to the machine, at good_frames = 2, so that eight events reach OK and leave it.
EVENTS: dict[str, Callable[[Oracle], None]] = {
    "good": lambda o: o.status(Reason.NONE),
    "degrade": lambda o: o.status(Reason.LOW_QUALITY),
    "blur": lambda o: o.status(Reason.BLUR),
    "hard": lambda o: o.status(Reason.DARK),
    "backend": lambda o: o.status(Reason.BACKEND),
    "skipped": lambda o: o.status(Reason.NONE, Outcome.SKIPPED),
    "replayed": lambda o: o.status(Reason.NONE, new_seq=False) if o.seq else None,
    "restart": lambda o: o.restart() if o.seq else None,
    "silence": Oracle.silence,
    "corrupt": Oracle.corrupt,
    "latch": lambda o: o.status(Reason.SELF_TEST, Outcome.NO_FRAME),
    "reset": Oracle.reset,
}
DEPTH = 8
# Eight events hold no share of a second: that rule has tests of its own.
SHORT = FailsafeConfig(BOUNDS, good_frames=2, dwell_ns=PERIOD, soft_share=1.0)


def situation(oracle: Oracle) -> tuple[object, ...]:
    """All of an oracle and its machine that can still matter within `DEPTH` events.

    Left out: absolute times and numbers, ages past their limit, which reason it was where only the fact of one counts,
    whether it was DEGRADED before (every score is calm), and the stream's rate, not judged before 0.7 s (the test after
    the next holds it to that).
    """
    machine, config = oracle.machine, oracle.config

    def age(at_ns: int | None, limit_ns: int) -> int | None:
        return None if at_ns is None else min(oracle.now - at_ns, limit_ns)

    silent_ns = config.bounds.age_limit_ns + 1
    of_machine = (
        machine._state, bool(machine._cause), machine._cause & (Reason.NODE_INACTIVE | Reason.NEW_INSTANCE),
        bool(machine._latched),
        *(
            (min(run.count, config.good_frames), age(run.since_ns if run.count else None, config.run_ns))
            for run in (machine._good, machine._calm, machine._usable)
        ),
        tuple((bool(reasons), usable) for reasons, usable in machine._soft)[1 - config.soft_window :],
        len(machine._backend_ns), len(machine._restart_ns),
        age(machine._inference_ns, silent_ns), age(machine._bad_ns, config.dwell_ns),
        machine._instance_id == oracle.instance, machine._seq == oracle.seq, machine._refusing,
    )  # fmt: skip
    of_oracle = (
        min(oracle.run, config.good_frames), age(oracle.last_inference, silent_ns),
        age(oracle.failed_at, config.dwell_ns), *oracle.soft[1 - config.soft_window :],
        oracle.shown.state, oracle.shown.failure, bool(oracle.seq), oracle.refused, oracle.forgotten,
    )  # fmt: skip
    return (*of_machine, *of_oracle)


def after(oracle: Oracle, event: Callable[[Oracle], None]) -> Oracle:
    """The oracle after one more event, with its properties checked; the one before stays as it is."""
    branch = copy.copy(oracle)
    branch.soft = [*oracle.soft]
    branch.machine = machine = copy.copy(oracle.machine)
    for name in ("_soft", "_recent", "_backend_ns", "_restart_ns", "_replaced", "_good", "_calm", "_usable"):
        setattr(machine, name, copy.copy(getattr(machine, name)))
    machine._rate = copy.copy(machine._rate)
    machine._rate._stamps = [*machine._rate._stamps]
    event(branch)
    return branch


@pytest.mark.slow
@pytest.mark.timeout(600)  # eight seconds of one core, which a busy machine may be long in giving
def test_every_sequence_of_eight_events_at_two_good_frames() -> None:
    """Sequences that lead to the same situation go on as one; how many each stands for is counted."""
    level = {situation(root := Oracle(SHORT)): (root, 1)}
    ways_to_ok, states = 0, set()
    for _ in range(DEPTH):
        reached: dict[tuple[object, ...], tuple[Oracle, int]] = {}
        for oracle, ways in level.values():
            for event in EVENTS.values():
                branch = after(oracle, event)
                key = situation(branch)
                first, before = reached.get(key, (branch, 0))
                reached[key] = (first, before + ways)
        level = reached
        states |= {oracle.shown.state for oracle, _ in level.values()}
        ways_to_ok += sum(ways for oracle, ways in level.values() if oracle.shown.state is State.OK)
    assert sum(ways for _, ways in level.values()) == len(EVENTS) ** DEPTH
    assert states == set(State)
    assert ways_to_ok > 0
    # Nothing is a dead end: from wherever eight events lead, the operator and good frames lead to OK.
    for oracle, _ in level.values():
        oracle.reset()
        for _ in range(6):
            oracle.status(Reason.NONE)
        assert oracle.shown.state is State.OK


def test_what_is_left_out_of_a_situation_cannot_matter() -> None:
    """Two histories of up to four events that are one situation are one after every further event too."""
    assert DEPTH * (BOUNDS.age_limit_ns + 1) < MIN_SEEN_SHARE * BOUNDS.rate_window_ns
    assert DEPTH * (BOUNDS.age_limit_ns + 1) < min(SHORT.backend_window_ns, SHORT.restart_window_ns)
    seen: dict[tuple[object, ...], tuple[object, ...]] = {}

    def explore(oracle: Oracle, depth: int) -> None:
        branches = [after(oracle, event) for event in EVENTS.values()]
        then = tuple((situation(branch), branch.shown.failure, bool(branch.shown.reasons)) for branch in branches)
        assert seen.setdefault(situation(oracle), then) == then
        if depth:
            for branch in branches:
                explore(branch, depth - 1)

    explore(Oracle(SHORT), 2)
    ready = Oracle(SHORT)
    for _ in range(2):
        ready.status(Reason.NONE)
    explore(ready, 2)
