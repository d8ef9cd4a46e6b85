# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Why a frame or the system is not to be trusted, as bits, and the states a planner sees.

Standard library only: the failure monitor and a planner's guard import this module and nothing heavier.
The numbers are part of the wire format (`trustseg_interfaces`) and are never reused.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Reason(IntFlag):
    """One bit a reason, carried as uint64 in SegmentationStatus and FailureState."""

    NONE = 0
    NO_INPUT = 1 << 0
    INPUT_STALE = 1 << 1
    LOW_RATE = 1 << 2
    FRAME_DROP = 1 << 3
    BACKLOG = 1 << 4
    DUPLICATE = 1 << 5
    STAMP_BACKWARD = 1 << 6
    STAMP_FUTURE = 1 << 7
    STAMP_INVALID = 1 << 8
    CLOCK_JUMP = 1 << 9
    FROZEN = 1 << 10
    DARK = 1 << 11
    BRIGHT = 1 << 12
    BLUR = 1 << 13
    OBSCURED = 1 << 14
    LOW_QUALITY = 1 << 15
    COLOUR = 1 << 16
    CORRUPT = 1 << 17
    OUTPUT_IMPLAUSIBLE = 1 << 18
    BAD_SIZE = 1 << 19
    BAD_STEP = 1 << 20
    BAD_ENCODING = 1 << 21
    BAD_DIMENSIONS = 1 << 22
    RES_CHANGED = 1 << 23
    BAD_IMAGE = 1 << 24
    CAMERA_INFO = 1 << 25
    MULTI_SOURCE = 1 << 26
    OUTPUT_INVALID = 1 << 27
    LOW_CONFIDENCE = 1 << 28
    MISMATCHED_OUTPUT = 1 << 29
    MODEL_INTEGRITY = 1 << 30
    SELF_TEST = 1 << 31
    BACKEND = 1 << 32
    BACKEND_FALLBACK = 1 << 33
    LATENCY = 1 << 34
    INTERNAL = 1 << 35
    STATUS_STALE = 1 << 36
    STATUS_CORRUPT = 1 << 37
    STATUS_SEQUENCE = 1 << 38
    NEW_INSTANCE = 1 << 39
    RESTARTS = 1 << 40
    NODE_INACTIVE = 1 << 41
    INCOMPATIBLE_QOS = 1 << 42
    STRANGE_SCENE = 1 << 43
    RECOVERING = 1 << 44
    PARAMETER = 1 << 45
    TIMING_MISMATCH = 1 << 46
    UNKNOWN_OBJECT = 1 << 47
    LIGHT_NETWORK = 1 << 48

    def names(self) -> list[str]:
        """Names of the bits that are set, lowest bit first; empty for NONE."""
        value = int(self)
        return [name for bit, name in _NAMES if bit & value]

    def first(self) -> str:
        """Name of the lowest bit that is set, or an empty string."""
        value = int(self)
        return next((name for bit, name in _NAMES if bit & value), "")


# Read once: members of a Flag are slow to go through (88 us a call, in every status and every verdict).
_NAMES = tuple((reason.value, reason.name) for reason in Reason if reason.value and reason.name)


class Outcome(IntEnum):
    """What became of one received frame; NO_FRAME: the node reports about itself (SegmentationStatus.outcome)."""

    PROCESSED = 0
    SKIPPED = 1
    REJECTED = 2
    NO_FRAME = 3


class Severity(IntEnum):
    """How bad the evidence of one frame is (SegmentationStatus.severity)."""

    GOOD = 0
    SOFT = 1
    HARD = 2
    LATCH = 3


class State(IntEnum):
    """State of the failure monitor (FailureState.state); every state but OK means failure unless configured."""

    UNKNOWN = 0
    OK = 1
    DEGRADED = 2
    FAILED = 3
    STALE = 4
    LATCHED = 5


class Mode(IntEnum):
    """Where stamps come from (SegmentationStatus.mode)."""

    LIVE = 0
    REPLAY = 1
    SIM = 2


# Reasons that a single frame is enough for. Everything else is soft.
HARD_REASONS = (
    Reason.DUPLICATE | Reason.STAMP_BACKWARD | Reason.STAMP_FUTURE | Reason.STAMP_INVALID | Reason.CLOCK_JUMP
    | Reason.FROZEN | Reason.DARK | Reason.BRIGHT | Reason.BACKLOG | Reason.BAD_SIZE | Reason.BAD_STEP
    | Reason.BAD_ENCODING | Reason.BAD_DIMENSIONS | Reason.RES_CHANGED | Reason.BAD_IMAGE | Reason.OUTPUT_INVALID
    | Reason.MISMATCHED_OUTPUT | Reason.BACKEND | Reason.INTERNAL | Reason.NODE_INACTIVE | Reason.TIMING_MISMATCH
)  # fmt: skip

# Reasons that stay until an operator resets them.
LATCHING_REASONS = Reason.MODEL_INTEGRITY | Reason.SELF_TEST | Reason.RESTARTS

# What a reader should know although nothing is wrong. A reader that is older than such a bit takes it for soft.
INFORMING_REASONS = Reason.LIGHT_NETWORK


def severity_of(reasons: Reason) -> Severity:
    """Worst severity among the bits of `reasons`; those that only inform have none."""
    if reasons & LATCHING_REASONS:
        return Severity.LATCH
    if reasons & HARD_REASONS:
        return Severity.HARD
    return Severity.SOFT if what_is_wrong(reasons) else Severity.GOOD


def what_is_wrong(reasons: Reason) -> Reason:
    """The same without those that only inform; bits that only a newer node knows stay."""
    return Reason(int(reasons) & ~int(INFORMING_REASONS))
