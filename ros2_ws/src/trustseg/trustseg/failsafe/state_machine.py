# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fail-safe state machine: evidence of single frames in, the state a planner obeys out.

Pure: no clock, no ROS, no file. The failure monitor drives it with the steady clock, replay with recorded time.
Silence is failure, and every way from failure back to trust needs a run of new, increasing sequence numbers of one
instance of the segmentation node that lasts as long, by the owner's clock, as such a run takes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import reduce
from operator import or_

from trustseg.failsafe.evidence import DEGRADING_REASONS, Evidence, FailsafeConfig, Snapshot, worst_of
from trustseg.failsafe.stream_rate import StreamRate
from trustseg.reasons import (
    INFORMING_REASONS,
    LATCHING_REASONS,
    Mode,
    Outcome,
    Reason,
    Severity,
    State,
    what_is_wrong,
)

# Between two statuses that follow each other no more than this many can have been lost: it is not a number of the node.
MOST_LOST = 1_000_000
# Instances of the node that are remembered after they were replaced.
REMEMBERED = 16


@dataclass
class Run:
    """Frames of one kind in a row, and when the first of them arrived, nanoseconds."""

    count: int = 0
    since_ns: int = 0

    def note(self, holds: bool, now_ns: int) -> None:
        """Count one more frame, or begin anew."""
        if not holds:
            self.count = 0
            return
        if not self.count:
            self.since_ns = now_ns
        self.count += 1

    def suffices(self, config: FailsafeConfig, now_ns: int) -> bool:
        """Whether there were enough, over the time that so many take."""
        return self.count >= config.good_frames and now_ns - self.since_ns >= config.run_ns


class StateMachine:
    """One owner of the verdict. Every method takes `now_ns` of one steady clock and returns the verdict then.

    Args:
        config: counts and bounds.
        now_ns: the clock at the start.
        latched: reasons latched before a restart of the owner; they hold until `reset`.
    """

    def __init__(self, config: FailsafeConfig, now_ns: int, latched: Reason = Reason.NONE) -> None:
        self.config = config
        self._now_ns = now_ns
        self._latched = latched
        self._state = State.LATCHED if latched else State.UNKNOWN
        self._cause = latched or Reason.NO_INPUT
        self._instance_id = self._seq = self._restarts = 0
        self._replaced: dict[int, int] = {}
        self._refusing = self._lost = False
        self._status_ns: int | None = None
        self._inference_ns: int | None = None
        self._bad_ns: int | None = None
        self._failure_score = 1.0
        self._mode, self._fault_injection = Mode.LIVE, False
        self._told = Reason.NONE
        # Why it was last DEGRADED, until masks are trusted again: FAILED and STALE are no way round that.
        self._degraded = Reason.NONE
        self._degraded_is_failure = True
        self._node_alive: bool | None = None
        self._soft: deque[tuple[Reason, bool]] = deque(maxlen=config.soft_window)
        # None: a frame that was skipped.
        self._recent: deque[tuple[int, tuple[Reason, bool] | None]] = deque()
        self._backend_ns: deque[int] = deque(maxlen=config.backend_failures)
        self._restart_ns: deque[int] = deque(maxlen=config.restart_limit)
        self._rate = StreamRate(config.bounds)
        self._good, self._calm, self._usable = Run(), Run(), Run()

    # What happens ---------------------------------------------------------------------------------------------

    def on_status(self, evidence: Evidence, now_ns: int) -> Snapshot:
        """Take one status whose checksum was right."""
        now_ns = self._advance(now_ns)
        if not evidence.instance_id:
            return self._bad_hard(Reason.STATUS_CORRUPT, now_ns)
        if evidence.instance_id != self._instance_id:
            if self._is_left_over(evidence, now_ns):
                return self._refuse(now_ns)
            self._new_instance(evidence, now_ns)
        elif evidence.seq <= self._seq:
            # Replayed, duplicated or reordered: says nothing new and proves that the link is not to be trusted.
            return self._refuse(now_ns)
        elif evidence.seq - self._seq > MOST_LOST:
            self._refusing = True
            return self._bad_hard(Reason.STATUS_CORRUPT, now_ns)
        # Kept until a frame is judged: what was lost may lie before one that was skipped.
        self._lost = self._lost or (bool(self._seq) and evidence.seq != self._seq + 1)
        published_ns = now_ns if evidence.published_ns is None else min(evidence.published_ns, now_ns)
        self._seq, self._status_ns, self._refusing = evidence.seq, published_ns, False
        self._fault_injection = evidence.fault_injection

        severity, reasons = worst_of(evidence)
        self._told, reasons = reasons & INFORMING_REASONS, what_is_wrong(reasons)
        if evidence.mode in tuple(Mode):
            self._mode = Mode(evidence.mode)
        if evidence.timing is not None and evidence.timing != self.config.bounds.timing:
            severity, reasons = max(severity, Severity.HARD), reasons | Reason.TIMING_MISMATCH
        if severity is Severity.LATCH:
            return self._latch((reasons & LATCHING_REASONS) or reasons, now_ns)
        if evidence.outcome == Outcome.NO_FRAME:
            return self._bad_hard(reasons, now_ns)
        rate_reasons, rate_severity = self._rate.add(evidence.stamp_ns)
        if evidence.outcome == Outcome.SKIPPED:
            # The frame is neither good nor bad; a status that contradicts itself or its reader is.
            if severity >= Severity.HARD:
                return self._bad_hard(reasons, now_ns)
            self._look_back(None, now_ns)
            return self.snapshot(now_ns)

        self._inference_ns = published_ns
        self._failure_score = evidence.failure_score
        reasons, severity = reasons | rate_reasons, max(severity, rate_severity)
        lost, self._lost = self._lost, False
        if lost:
            reasons, severity = reasons | Reason.STATUS_SEQUENCE, max(severity, Severity.SOFT)
        if severity >= Severity.HARD:
            return self._hard_frame(reasons, now_ns)
        if now_ns - published_ns > self.config.bounds.age_limit_ns:
            # It has lain in a queue: what it says was so once.
            if self._state is not State.LATCHED:
                self._start_over(State.STALE, Reason.STATUS_STALE | reasons)
            return self.snapshot(now_ns)
        return self._soft_or_good_frame(evidence, reasons, now_ns)

    def on_corrupt(self, now_ns: int) -> Snapshot:
        """Take note of a status whose checksum was wrong: nothing in it is believed."""
        return self._bad_hard(Reason.STATUS_CORRUPT, self._advance(now_ns))

    def on_fault(self, reason: Reason, now_ns: int) -> Snapshot:
        """Take note of a hard fault that the owner saw itself (incompatible QoS, an exception of its own)."""
        return self._bad_hard(reason, self._advance(now_ns))

    def on_liveliness(self, alive: bool, now_ns: int) -> Snapshot:
        """Take note of whether the node's status writer asserts itself: tells a dead node from a silent camera."""
        self._node_alive = alive
        return self.on_tick(now_ns)

    def on_tick(self, now_ns: int) -> Snapshot:
        """Let time pass: a stream without a completed inference goes stale."""
        return self.snapshot(self._advance(now_ns))

    def reset(self, now_ns: int) -> Snapshot:
        """The operator's reset: a latched state goes to UNKNOWN, never further; any other state stays as it is.

        Where statuses are refused for their numbers, those are forgotten: a single status with a number out of all
        reason, whose checksum was right, must not outlast the reset.
        """
        now_ns = self._advance(now_ns)
        if self._refusing:
            self._instance_id = self._seq = 0
            self._refusing = self._lost = False
            self._replaced.clear()
        if self._state is State.LATCHED:
            self._latched = Reason.NONE
            self._backend_ns.clear()
            self._restart_ns.clear()
            self._start_over(State.UNKNOWN, Reason.RECOVERING)
        return self.snapshot(now_ns)

    def configure(self, config: FailsafeConfig) -> None:
        """Take changed settings with the same bounds.

        A flag that is up in DEGRADED stays up until that is over: nobody lowers it by a parameter.
        """
        self.config = config
        self._degraded_is_failure |= config.degraded_is_failure  # of no account before masks are degraded

    def deadline_ns(self) -> int | None:
        """When age acts next if nothing arrives; None where it has nothing to act on."""
        if self._inference_ns is None or self._state in (State.LATCHED, State.STALE):
            return None
        return self._inference_ns + self.config.bounds.age_limit_ns + 1

    def snapshot(self, now_ns: int) -> Snapshot:
        """The verdict now."""
        reasons = self._cause if self._state is not State.OK else Reason.NONE
        if self._good.count and self._state is not State.OK:
            reasons |= Reason.RECOVERING
        degraded_is_failure = self.config.degraded_is_failure
        failure = self._state is not State.OK
        if self._state is State.DEGRADED:
            failure = degraded_is_failure = self._degraded_is_failure
        return Snapshot(
            state=self._state,
            failure=failure,
            reasons=reasons | self._latched | self._told,
            latched=self._latched,
            first_reason=(self._latched or self._cause).first() if self._state is not State.OK else "",
            failure_score=self._failure_score,
            source_instance_id=self._instance_id,
            source_seq=self._seq,
            source_age_ns=None if self._status_ns is None else max(0, now_ns - self._status_ns),
            good_in_row=self._good.count,
            restarts=self._restarts,
            mode=self._mode,
            fault_injection=self._fault_injection,
            degraded_is_failure=degraded_is_failure,
        )

    # What follows from it -------------------------------------------------------------------------------------

    def _advance(self, now_ns: int) -> int:
        """Move time forward, never back, and let age act before whatever arrives now can hide it."""
        self._now_ns = now_ns = max(now_ns, self._now_ns)
        silent = self._inference_ns is not None and now_ns - self._inference_ns > self.config.bounds.age_limit_ns
        if silent and self._state is not State.LATCHED:
            why = {True: Reason.INPUT_STALE, False: Reason.STATUS_STALE, None: Reason.INPUT_STALE | Reason.STATUS_STALE}
            # A node that has said why it is silent stays on record with that.
            said = self._cause & (Reason.NODE_INACTIVE | Reason.NEW_INSTANCE)
            self._start_over(State.STALE, why[self._node_alive] | said)
        return now_ns

    def _start_over(self, state: State, cause: Reason) -> None:
        """Enter `state` with nothing counted so far."""
        self._state, self._cause = state, cause
        if state is State.UNKNOWN:
            self._degraded = Reason.NONE
        self._end_runs()
        self._soft.clear()
        self._recent.clear()
        self._rate.clear()
        self._told = Reason.NONE

    def _end_runs(self) -> None:
        self._good, self._calm, self._usable = Run(), Run(), Run()

    def _is_left_over(self, evidence: Evidence, now_ns: int) -> bool:
        """Whether a status is of an instance that was replaced, and not of one that goes on while its successor is
        silent: then the successor was the stray."""
        last_seq = self._replaced.get(evidence.instance_id)
        if last_seq is None:
            return False
        silent = self._status_ns is None or now_ns - self._status_ns > self.config.bounds.age_limit_ns
        return not silent or evidence.seq <= last_seq

    def _new_instance(self, evidence: Evidence, now_ns: int) -> None:
        first = self._instance_id == 0
        self._replaced.pop(evidence.instance_id, None)
        if not first:
            self._replaced[self._instance_id] = self._seq
        if len(self._replaced) > REMEMBERED:
            del self._replaced[next(iter(self._replaced))]
        # Statuses before the first one received are not a gap: a monitor may start after the node.
        self._instance_id, self._seq, self._lost = evidence.instance_id, 0, False
        self._inference_ns = None
        if first:
            if self._state is State.UNKNOWN:
                self._cause = Reason.RECOVERING
            return
        self._restarts += 1
        self._restart_ns.append(now_ns)
        if self._state is not State.LATCHED:
            self._start_over(State.UNKNOWN, Reason.NEW_INSTANCE)
        if _within(self._restart_ns, self.config.restart_limit, self.config.restart_window_ns):
            self._latch(Reason.RESTARTS, now_ns)

    def _latch(self, reasons: Reason, now_ns: int) -> Snapshot:
        self._latched |= reasons
        self._start_over(State.LATCHED, self._latched)
        return self.snapshot(now_ns)

    def _hard_frame(self, reasons: Reason, now_ns: int) -> Snapshot:
        if reasons & Reason.BACKEND:
            self._backend_ns.append(now_ns)
            if _within(self._backend_ns, self.config.backend_failures, self.config.backend_window_ns):
                return self._latch(Reason.BACKEND, now_ns)
        return self._bad_hard(reasons, now_ns)

    def _refuse(self, now_ns: int) -> Snapshot:
        self._refusing = True
        return self._bad_hard(Reason.STATUS_SEQUENCE, now_ns)

    def _bad_hard(self, reasons: Reason, now_ns: int) -> Snapshot:
        """One hard fault is enough, in every state but LATCHED."""
        self._bad_ns = now_ns
        self._end_runs()
        self._remember(reasons, False, now_ns)
        if self._state is not State.LATCHED:
            self._state, self._cause = State.FAILED, reasons
        return self.snapshot(now_ns)

    def _remember(self, reasons: Reason, usable: bool, now_ns: int) -> None:
        self._soft.append((reasons, usable))
        self._look_back((reasons, usable), now_ns)

    def _look_back(self, frame: tuple[Reason, bool] | None, now_ns: int) -> None:
        self._recent.append((now_ns, frame))
        while now_ns - self._recent[0][0] >= self.config.bounds.rate_window_ns:
            self._recent.popleft()

    def _soft_or_good_frame(self, evidence: Evidence, reasons: Reason, now_ns: int) -> Snapshot:
        usable = not int(reasons) & ~int(DEGRADING_REASONS)
        self._remember(reasons, usable, now_ns)
        self._good.note(not reasons, now_ns)
        self._usable.note(usable, now_ns)
        # T_low: a score between the two thresholds neither degrades an OK stream nor restores a degraded one.
        t_low = evidence.recovery_threshold
        self._calm.note(not reasons and (evidence.failure_score <= t_low or not t_low > 0.0), now_ns)
        self._judge(reasons, now_ns)
        return self.snapshot(now_ns)

    def _judge(self, reasons: Reason, now_ns: int) -> None:
        """Move between OK, DEGRADED and FAILED, and out of UNKNOWN and STALE, on the counts so far."""
        if self._state is State.LATCHED:
            return
        believed = self._believed(usable=False)
        if believed and reasons:
            self._state, self._cause, self._bad_ns = State.FAILED, believed, now_ns
            return
        calm = self._calm.suffices(self.config, now_ns)
        if self._state is State.OK:
            degrading = self._believed(usable=True)
            if degrading:
                self._degrade(degrading)
        elif self._state is State.DEGRADED:
            self._cause = reasons or self._cause
            if calm:
                self._trust()
        elif self._may_leave(now_ns):
            if self._good.suffices(self.config, now_ns) and (not self._degraded or calm):
                self._trust()
            else:
                self._degrade(self._believed(usable=True) or reasons or self._degraded or self._cause)
        elif reasons:
            self._cause = reasons

    def _trust(self) -> None:
        self._state, self._degraded = State.OK, Reason.NONE
        self._recent.clear()  # what is over is not held against the next soft frame

    def _degrade(self, cause: Reason) -> None:
        if not self._degraded:
            self._degraded_is_failure = self.config.degraded_is_failure
        self._state, self._cause, self._degraded = State.DEGRADED, cause, cause

    def _may_leave(self, now_ns: int) -> bool:
        """Whether UNKNOWN, STALE or FAILED may be left: the dwell after a failure is over, whatever came after it, and
        enough usable new frames in a row."""
        if self._bad_ns is not None and now_ns - self._bad_ns < self.config.dwell_ns:
            return False
        return self._usable.suffices(self.config, now_ns)

    def _believed(self, *, usable: bool) -> Reason:
        """Union of the reasons when enough of the newest frames are bad, or enough of a longer time; else NONE.

        With `usable` every bad frame counts, without it only those whose mask is not worth having.
        """
        bad = [reasons for reasons, was_usable in self._soft if reasons and (usable or not was_usable)]
        if len(bad) >= self.config.soft_count:
            return reduce(or_, bad)
        if not self._soft[-1][0]:
            return Reason.NONE  # a good frame gives no habit away
        judged = [frame for _, frame in self._recent if frame]
        bad = [reasons for reasons, was_usable in judged if reasons and (usable or not was_usable)]
        if len(bad) < self.config.soft_least(len(judged), len(self._recent) - len(judged)):
            return Reason.NONE
        return reduce(or_, bad)


def _within(times_ns: deque[int], count: int, window_ns: int) -> bool:
    """Whether the newest `count` times lie within the window."""
    return len(times_ns) >= count and times_ns[-1] - times_ns[0] <= window_ns
