"""The fail-safe state machine: evidence of single frames in, the state a planner obeys out.

Pure: no clock, no ROS, no file. The failure monitor drives it with the steady clock, replay with recorded time.
States and transitions are those of the design (safety, section 2). Silence is failure, and every way from failure
back to trust needs a run of new, increasing sequence numbers of one instance of the segmentation node.
"""

from __future__ import annotations

from collections import deque
from functools import reduce
from operator import or_

from trustseg.evidence import DEGRADING_REASONS, Evidence, FailsafeConfig, Snapshot, worst_of
from trustseg.reasons import LATCHING_REASONS, Outcome, Reason, Severity, State
from trustseg.stream_rate import StreamRate


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
        self._status_ns: int | None = None
        self._inference_ns: int | None = None
        self._bad_ns = now_ns
        self._failure_score = 1.0
        self._node_alive: bool | None = None
        self._soft: deque[tuple[Reason, bool]] = deque(maxlen=config.soft_window)
        self._backend_ns: deque[int] = deque(maxlen=config.backend_failures)
        self._restart_ns: deque[int] = deque(maxlen=config.restart_limit)
        self._rate = StreamRate(config.bounds)
        self._good = self._calm = self._usable = 0

    # What happens ---------------------------------------------------------------------------------------------

    def on_status(self, evidence: Evidence, now_ns: int) -> Snapshot:
        """Take one status whose checksum was right."""
        now_ns = self._advance(now_ns)
        if not evidence.instance_id:
            return self._bad_hard(Reason.STATUS_CORRUPT, now_ns)
        if evidence.instance_id != self._instance_id:
            self._new_instance(evidence, now_ns)
        elif evidence.seq <= self._seq:
            # Replayed, duplicated or reordered: says nothing new and proves that the link is not to be trusted.
            return self._bad_hard(Reason.STATUS_SEQUENCE, now_ns)
        gap = bool(self._seq) and evidence.seq != self._seq + 1
        self._seq, self._status_ns = evidence.seq, now_ns

        severity, reasons = worst_of(evidence)
        if severity is Severity.LATCH:
            return self._latch((reasons & LATCHING_REASONS) or reasons, now_ns)
        if evidence.outcome == Outcome.NO_FRAME:
            return self._bad_hard(reasons, now_ns)
        rate_reasons, rate_severity = self._rate.add(evidence.stamp_ns)
        if evidence.outcome == Outcome.SKIPPED:
            return self.snapshot(now_ns)

        self._inference_ns = now_ns
        self._failure_score = evidence.failure_score
        reasons, severity = reasons | rate_reasons, max(severity, rate_severity)
        if gap:
            reasons, severity = reasons | Reason.STATUS_SEQUENCE, max(severity, Severity.SOFT)
        if severity >= Severity.HARD:
            return self._hard_frame(reasons, now_ns)
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
        """The operator's reset: a latched state goes to UNKNOWN, never further; any other state stays as it is."""
        now_ns = self._advance(now_ns)
        if self._state is State.LATCHED:
            self._latched = Reason.NONE
            self._backend_ns.clear()
            self._restart_ns.clear()
            self._start_over(State.UNKNOWN, Reason.RECOVERING)
        return self.snapshot(now_ns)

    def snapshot(self, now_ns: int) -> Snapshot:
        """The verdict now."""
        reasons = self._cause if self._state is not State.OK else Reason.NONE
        if self._good and self._state is not State.OK:
            reasons |= Reason.RECOVERING
        failure = self._state is not State.OK
        if self._state is State.DEGRADED:
            failure = self.config.degraded_is_failure
        return Snapshot(
            state=self._state,
            failure=failure,
            reasons=reasons | self._latched,
            latched=self._latched,
            first_reason=(self._latched or self._cause).first() if self._state is not State.OK else "",
            failure_score=self._failure_score,
            source_instance_id=self._instance_id,
            source_seq=self._seq,
            source_age_ns=None if self._status_ns is None else max(0, now_ns - self._status_ns),
            good_in_row=self._good,
            restarts=self._restarts,
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
        self._good = self._calm = self._usable = 0
        self._soft.clear()
        self._rate.clear()

    def _new_instance(self, evidence: Evidence, now_ns: int) -> None:
        first = self._instance_id == 0
        # Statuses before the first one received are not a gap: a monitor may start after the node.
        self._instance_id, self._seq = evidence.instance_id, 0
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

    def _bad_hard(self, reasons: Reason, now_ns: int) -> Snapshot:
        """One hard fault is enough, in every state but LATCHED."""
        self._bad_ns = now_ns
        self._good = self._calm = self._usable = 0
        self._soft.append((reasons, False))
        if self._state is not State.LATCHED:
            self._state, self._cause = State.FAILED, reasons
        return self.snapshot(now_ns)

    def _soft_or_good_frame(self, evidence: Evidence, reasons: Reason, now_ns: int) -> Snapshot:
        usable = not int(reasons) & ~int(DEGRADING_REASONS)
        self._soft.append((reasons, usable))
        self._good = 0 if reasons else self._good + 1
        self._usable = self._usable + 1 if usable else 0
        # T_low: a score between the two thresholds neither degrades an OK stream nor restores a degraded one.
        t_low = evidence.recovery_threshold
        calm = not reasons and (evidence.failure_score <= t_low or not t_low > 0.0)
        self._calm = self._calm + 1 if calm else 0
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
        if self._state is State.OK:
            degrading = self._believed(usable=True)
            if degrading:
                self._state, self._cause = State.DEGRADED, degrading
        elif self._state is State.DEGRADED:
            self._cause = reasons or self._cause
            if self._calm >= self.config.good_frames:
                self._state = State.OK
        elif self._may_leave(now_ns):
            if self._good >= self.config.good_frames:
                self._state = State.OK
            else:
                self._state, self._cause = State.DEGRADED, self._believed(usable=True) or reasons or self._cause
        elif reasons:
            self._cause = reasons

    def _may_leave(self, now_ns: int) -> bool:
        """Whether UNKNOWN, STALE or FAILED may be left: enough usable new frames in a row, and FAILED's dwell."""
        if self._state is State.FAILED and now_ns - self._bad_ns < self.config.dwell_ns:
            return False
        return self._usable >= self.config.good_frames

    def _believed(self, *, usable: bool) -> Reason:
        """Union of the reasons in the window when enough of its frames are bad, else NONE.

        With `usable` every bad frame counts, without it only those whose mask is not worth having.
        """
        bad = [reasons for reasons, was_usable in self._soft if reasons and (usable or not was_usable)]
        if len(bad) < self.config.soft_count:
            return Reason.NONE
        return reduce(or_, bad)


def _within(times_ns: deque[int], count: int, window_ns: int) -> bool:
    """Whether the newest `count` times lie within the window."""
    return len(times_ns) >= count and times_ns[-1] - times_ns[0] <= window_ns
