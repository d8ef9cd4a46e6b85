# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a drive amounts to: the figures of `summary.json`, computed from what was recorded and from the labels.

The onset of a trouble is the moment from which the mask must not be trusted: for one that grows (fog, night, dirt) the
first frame whose true quality is below 0.5; for lost cargo the last second before the car is there; for a frozen camera
the first repeated picture; for a stream that stops the moment at which the first missing frame was due; for a killed
node the kill.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trustseg.bounds import SECOND, Bounds
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.reasons import Outcome, Reason
from trustseg_lab.demo.accounting import Account, account, frame_statuses
from trustseg_lab.demo.flag import FlagTimeline
from trustseg_lab.harness.records import Observation, SentFrame
from trustseg_lab.harness.script import CARGO, NEAR_S, TITLES, Script, Trouble
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW

# A flag that rises later than this after the onset has not warned anybody: the drive does not pass. Generous, because a
# loaded machine is no failure of the product; the figures say how long it took.
DETECTION_LIMIT_MS = 2000.0
# A drive passes while at most this share of the clear road is driven with the flag up for nothing.
FALSE_ALARM_SHARE = 0.05


@dataclass(frozen=True)
class Percentiles:
    """Median and 99th percentile, NaN without values."""

    p50: float
    p99: float


@dataclass(frozen=True)
class Injected:
    """One trouble and what became of it; seconds count from the first frame.

    Attributes:
        kind: which trouble.
        at_s, until_s: when it began and ended (a killed node: when it was active again).
        onset_s: from when on the flag must be up; None for a trouble that the network survives.
        expect_flag: whether the flag must rise: there is an onset.
        already_up: whether the flag was up before the trouble began: then the drive shows nothing about it.
        flag_at_onset: whether the flag was up already then (a warning in time, or a flag that had not come down).
        detected_after_ms: onset to the first verdict with the flag up, 0 if it was up already; None if it never rose.
        reasons: reasons given while the flag was up during the trouble, in the order in which they came.
    """

    kind: str
    at_s: float
    until_s: float
    onset_s: float | None
    expect_flag: bool
    already_up: bool
    flag_at_onset: bool
    detected_after_ms: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """`summary.json`; keys are the field names, undefined figures are null.

    Attributes:
        lost: frames sent while the node was active and never answered.
        miou_mean, miou_clear: mean true quality Q of all answered frames, and of those without trouble.
        false_alarm_s: seconds with the flag up on frames whose true quality is at least 0.5 and that have no trouble:
            outside every trouble and outside `recovery_s` after it (and after the first frame).
        clear_s: seconds of such frames in all.
        recovery_s: longest time that the flag may stay up after a trouble: good frames asked for, dwell, one detection.
        flag_up_s: seconds with the flag up, in all.
        flag_reasons: reasons given for it after the start, in the order in which they came.
        flag_never_down: whether it was up from the first frame to the end.
        rejected_for: reason -> frames that the node refused for it.
        problems: why `ok` is false, for people.
    """

    frames_sent: int
    sent_while_down: int
    statuses: int
    masks: int
    lost: int
    skipped: int
    rejected: int
    backend: str
    bundle: str
    rate_hz: float
    duration_s: float
    engine_ms: Percentiles
    latency_ms: Percentiles
    miou_mean: float
    miou_clear: float
    false_alarm_s: float
    clear_s: float
    recovery_s: float
    flag_up_s: float
    flag_reasons: tuple[str, ...]
    flag_never_down: bool
    rejected_for: dict[str, int]
    injected: tuple[Injected, ...]
    problems: tuple[str, ...]
    ok: bool

    def to_json(self) -> dict[str, object]:
        """The document, NaN as None."""
        cleaned = _without_nan(asdict(self))
        if not isinstance(cleaned, dict):
            raise TypeError("a summary is an object")
        return cleaned


def summarize(script: Script, seen: Observation, quality: Mapping[int, float], bundle: str, bounds: Bounds) -> Summary:
    """Judge a drive.

    Args:
        script: times and troubles.
        seen: what was sent and received; at least one frame was sent.
        quality: true quality by slot where it is known.
        bundle: name of the bundle.
        bounds: time bounds of the monitor.
    """
    counts, flag = account(seen), FlagTimeline(seen.verdicts)
    origin_ns = seen.sent[0].stamp_ns - round(script.time_s(seen.sent[0].slot) * SECOND)
    recovery_s = recovery_time_s(bounds)
    judge = _Judge(script, seen, quality, counts, flag, origin_ns, recovery_s)
    injected = tuple(judge.injected(trouble) for trouble in script.troubles)
    clear = judge.clear_slots(injected)
    period_ns = round(SECOND / script.rate_hz)
    good = [f for f in seen.sent if f.slot in clear and quality.get(f.slot, 0.0) >= FAILURE_BELOW]
    false_alarm_s = sum((flag.up_seconds(f.stamp_ns, f.stamp_ns + period_ns) for f in good), 0.0)
    known = [quality[f.slot] for f in seen.sent if f.slot in quality]
    clear_s = len(good) / script.rate_hz
    statuses = frame_statuses(seen)
    processed = [s for s in statuses if s.outcome == Outcome.PROCESSED]
    rejected_for = Counter(
        name for s in statuses if s.outcome == Outcome.REJECTED for name in Reason(s.reasons).names()
    )  # fmt: skip
    problems = [*_counting_problems(counts), *_detection_problems(injected), *judge.stuck(injected, good)]
    problems += [
        f"{TITLES['kill']}: it never answered again"
        for kill in seen.kills
        if not any(span.from_ns > kill.at_ns for span in counts.spans)
    ]
    if statuses and not processed:
        told = ", ".join(f"{name} {count}" for name, count in rejected_for.most_common())
        problems.append(f"no image could be judged{': ' if told else ''}{told}")
    if false_alarm_s > FALSE_ALARM_SHARE * clear_s:
        problems.append(f"false alarms: the flag was up for {false_alarm_s:.1f} s of {clear_s:.1f} s of clear road")
    return Summary(
        frames_sent=counts.frames_sent,
        sent_while_down=counts.sent_while_down,
        statuses=counts.statuses,
        masks=len(seen.masks),
        lost=counts.lost,
        skipped=counts.skipped,
        rejected=counts.rejected,
        backend=next((s.backend for s in reversed(processed)), ""),
        bundle=bundle,
        rate_hz=script.rate_hz,
        duration_s=round(script.duration_s, 3),
        engine_ms=percentiles([s.engine_ms for s in processed]),
        latency_ms=percentiles([(s.received_ns - s.stamp_ns) / 1e6 for s in processed]),
        miou_mean=_mean(known),
        miou_clear=_mean([quality[slot] for slot in sorted(clear) if slot in quality]),
        false_alarm_s=round(false_alarm_s, 3) if quality else math.nan,
        clear_s=round(clear_s, 3) if quality else math.nan,
        recovery_s=round(recovery_s, 3),
        flag_up_s=round(flag.up_seconds(seen.sent[0].stamp_ns, seen.end_ns), 3),
        flag_reasons=judge.flag_reasons(),
        flag_never_down=judge.recovered_ns() is None,
        rejected_for=dict(sorted(rejected_for.items())),
        injected=injected,
        problems=tuple(problems),
        ok=not problems,
    )


def recovery_time_s(bounds: Bounds) -> float:
    """Longest time from the end of a trouble until the flag is down, if every frame is good."""
    config = FailsafeConfig(bounds)
    return (config.good_frames * bounds.camera_period_ns + config.dwell_ns + bounds.detection_ns) / SECOND


def percentiles(values: Sequence[float]) -> Percentiles:
    """Median and 99th percentile, rounded to a thousandth."""
    if not values:
        return Percentiles(math.nan, math.nan)
    p50, p99 = np.percentile(np.asarray(values, np.float64), [50, 99])
    return Percentiles(round(float(p50), 3), round(float(p99), 3))


@dataclass(frozen=True)
class _Judge:
    script: Script
    seen: Observation
    quality: Mapping[int, float]
    counts: Account
    flag: FlagTimeline
    origin_ns: int
    recovery_s: float

    def injected(self, trouble: Trouble) -> Injected:
        start_ns, end_ns = self._window(trouble)
        onset_ns = self._onset(trouble, start_ns)
        up_at_onset = onset_ns is not None and self.flag.at(onset_ns).up
        risen_ns = None if onset_ns is None else self.flag.first_up(onset_ns, end_ns)
        return Injected(
            kind=trouble.kind,
            at_s=self._seconds(start_ns),
            until_s=self._seconds(end_ns),
            onset_s=None if onset_ns is None else self._seconds(onset_ns),
            expect_flag=onset_ns is not None,
            already_up=self.flag.at(start_ns).up,
            flag_at_onset=up_at_onset,
            detected_after_ms=None if onset_ns is None or risen_ns is None else round((risen_ns - onset_ns) / 1e6, 1),
            reasons=tuple(self.flag.reasons(start_ns, end_ns)),
        )

    def clear_slots(self, injected: Sequence[Injected]) -> set[int]:
        """Slots without trouble: none on, the last one and the start at least `recovery_s` ago."""
        shut = [(0.0, self.recovery_s), *((i.at_s, i.until_s + self.recovery_s) for i in injected)]
        times = {f.slot: self._seconds(f.stamp_ns) for f in self.seen.sent}
        return {slot for slot, time_s in times.items() if not any(a <= time_s < b for a, b in shut)}

    def stuck(self, injected: Sequence[Injected], good: Sequence[SentFrame]) -> list[str]:
        """Whether the flag stayed up after the last trouble (or the start) although masks were good again (`good`)."""
        start_s = injected[-1].until_s if injected else 0.0
        last = [f for f in good if self._seconds(f.stamp_ns) >= start_s]
        if not last or self.flag.first_down(last[0].stamp_ns, self.seen.end_ns) is not None:
            return []
        return [f"the flag did not come down again after {TITLES[injected[-1].kind] if injected else 'the start'}"]

    def recovered_ns(self) -> int | None:
        """When the start is over: the first time at which the flag is down; None: never."""
        return self.flag.first_down(self.seen.sent[0].stamp_ns, self.seen.end_ns)

    def flag_reasons(self) -> tuple[str, ...]:
        """Reasons after the start; where the flag never came down, all but that nothing had arrived yet."""
        recovered_ns = self.recovered_ns()
        names = self.flag.reasons(recovered_ns or self.answered_ns(), self.seen.end_ns)
        if recovered_ns is None and len(names) > 1:
            names = [name for name in names if name != Reason.NO_INPUT.name]
        return tuple(names)

    def answered_ns(self) -> int:
        """When the first answer came, or the end: what is said before is about the node's start."""
        return min((s.received_ns for s in frame_statuses(self.seen)), default=self.seen.end_ns)

    def _window(self, trouble: Trouble) -> tuple[int, int]:
        start_ns, end_ns = self._ns(trouble.start_s), self._ns(trouble.end_s)
        if trouble.kind != "kill":
            return start_ns, end_ns
        kill = min(self.seen.kills, key=lambda k: abs(k.at_ns - start_ns), default=None)
        if kill is None:
            return start_ns, end_ns
        back = [span.from_ns for span in self.counts.spans if span.from_ns > kill.at_ns]
        return kill.at_ns, min(back, default=self.seen.end_ns)

    def _onset(self, trouble: Trouble, start_ns: int) -> int | None:
        if trouble.kind == CARGO:
            return max(start_ns, self._ns(trouble.end_s - NEAR_S))
        if not trouble.soft:
            return start_ns
        bad = (
            f.stamp_ns
            for f in self.seen.sent
            if trouble.covers(self.script.time_s(f.slot)) and self.quality.get(f.slot, math.nan) < FAILURE_BELOW
        )
        return next(bad, None)

    def _ns(self, time_s: float) -> int:
        return self.origin_ns + round(time_s * SECOND)

    def _seconds(self, time_ns: int) -> float:
        return round((time_ns - self.origin_ns) / SECOND, 3)


def _counting_problems(counts: Account) -> list[str]:
    found = []
    if counts.statuses == 0:
        found.append("the node answered no frame")
    if counts.lost:
        found.append(f"{counts.lost} frames were sent to an active node and never answered")
    if counts.answered_twice:
        found.append(f"{counts.answered_twice} frames were answered more than once")
    return found


def _detection_problems(injected: Sequence[Injected]) -> list[str]:
    found = []
    for each in injected:
        if each.already_up:
            found.append(f"{TITLES[each.kind]}: the flag had not come down before it")
        elif each.expect_flag and each.detected_after_ms is None:
            found.append(f"{TITLES[each.kind]}: the flag never rose")
        elif each.detected_after_ms is not None and each.detected_after_ms > DETECTION_LIMIT_MS:
            found.append(f"{TITLES[each.kind]}: the flag rose only after {each.detected_after_ms / 1000:.1f} s")
    return found


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4) if values else math.nan


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
