# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which frames the node owed an answer: those sent while it was active, and none of the others.

A node is active from the first frame that it speaks about until it is killed or the drive ends. A frame that was still
on its way through the node when the node was killed (younger than the slowest answer of the whole drive) cannot be
answered any more: it counts as sent while the node was down.
"""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.reasons import Outcome
from trustseg_lab.harness.records import Observation, StatusRecord


@dataclass(frozen=True)
class Span:
    """One life of the node: its instance and the time (stamps) from its first frame up to its end."""

    instance_id: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True)
class Account:
    """Frames and answers of a drive; frames_sent = sent_while_down + answered + lost."""

    frames_sent: int
    sent_while_down: int
    statuses: int
    processed: int
    skipped: int
    rejected: int
    answered_twice: int
    lost: int
    spans: tuple[Span, ...]


def frame_statuses(seen: Observation) -> list[StatusRecord]:
    """Statuses that speak about a frame."""
    return [s for s in seen.statuses if s.outcome != Outcome.NO_FRAME]


def slowest_answer_ns(seen: Observation) -> int:
    """Longest time from a frame's stamp to the reception of its status."""
    return max((s.received_ns - s.stamp_ns for s in frame_statuses(seen)), default=0)


def active_spans(seen: Observation) -> tuple[Span, ...]:
    """The lives of the node, in the order of time.

    A listener may have missed an instance's first words; the count in its first status says how many, and the life
    begins that many frames earlier, so that what the listener missed counts as lost.
    """
    stamps = [frame.stamp_ns for frame in seen.sent]
    index = {stamp: i for i, stamp in enumerate(stamps)}
    first: dict[int, StatusRecord] = {}
    for status in frame_statuses(seen):
        if status.stamp_ns in index:
            first.setdefault(status.instance_id, status)
    spans = []
    for instance_id, status in first.items():
        start = stamps[max(0, index[status.stamp_ns] - max(0, status.answered - 1))]
        end = min((kill.at_ns for kill in seen.kills if kill.at_ns >= start), default=seen.end_ns)
        spans.append(Span(instance_id, start, end))
    return tuple(sorted(spans, key=lambda span: span.from_ns))


def account(seen: Observation) -> Account:
    """Count what was sent, answered, owed and lost."""
    spans = active_spans(seen)
    statuses = frame_statuses(seen)
    answers: dict[int, int] = {}
    for status in statuses:
        answers[status.stamp_ns] = answers.get(status.stamp_ns, 0) + 1
    in_flight_ns = slowest_answer_ns(seen)
    killed = {kill.at_ns for kill in seen.kills}
    down = lost = 0
    for frame in seen.sent:
        if frame.stamp_ns in answers:
            continue
        owed = any(
            span.from_ns <= frame.stamp_ns < span.to_ns
            and not (span.to_ns in killed and span.to_ns - frame.stamp_ns <= in_flight_ns)
            for span in spans
        )
        lost, down = (lost + 1, down) if owed else (lost, down + 1)
    return Account(
        frames_sent=len(seen.sent),
        sent_while_down=down,
        statuses=len(statuses),
        processed=sum(s.outcome == Outcome.PROCESSED for s in statuses),
        skipped=sum(s.outcome == Outcome.SKIPPED for s in statuses),
        rejected=sum(s.outcome == Outcome.REJECTED for s in statuses),
        answered_twice=sum(count - 1 for count in answers.values()),
        lost=lost,
        spans=spans,
    )
