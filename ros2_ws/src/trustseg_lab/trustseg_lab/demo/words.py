# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reasons and states in words that a newcomer understands."""

from __future__ import annotations

from trustseg.reasons import Reason, State

_REASONS = {
    Reason.NO_INPUT: "no image has arrived yet",
    Reason.INPUT_STALE: "no new image arrives",
    Reason.LOW_RATE: "images come too slowly",
    Reason.FRAME_DROP: "images are missing",
    Reason.BACKLOG: "images arrive too late",
    Reason.FROZEN: "the camera repeats one image",
    Reason.DARK: "the image is too dark",
    Reason.BRIGHT: "the image is overexposed",
    Reason.BLUR: "the image is blurred",
    Reason.OBSCURED: "the lens is covered",
    Reason.LOW_QUALITY: "the mask is predicted to be poor",
    Reason.COLOUR: "the colours are wrong",
    Reason.CORRUPT: "the image is damaged",
    Reason.OUTPUT_IMPLAUSIBLE: "the mask makes no sense",
    Reason.OUTPUT_INVALID: "the network gave no valid numbers",
    Reason.RES_CHANGED: "the image's size has changed",
    Reason.LOW_CONFIDENCE: "the network is unsure",
    Reason.STRANGE_SCENE: "a scene unlike the training",
    Reason.UNKNOWN_OBJECT: "something unknown lies ahead",
    Reason.MODEL_INTEGRITY: "the model's files were altered",
    Reason.SELF_TEST: "the self-test failed",
    Reason.BACKEND: "the inference engine failed",
    Reason.LATENCY: "the answer comes too late",
    Reason.STATUS_STALE: "the node is silent",
    Reason.STATUS_SEQUENCE: "answers are missing",
    Reason.NEW_INSTANCE: "the node has just restarted",
    Reason.RESTARTS: "the node restarts again and again",
    Reason.NODE_INACTIVE: "the node is not active",
    Reason.LIGHT_NETWORK: "the light network serves",
    Reason.RECOVERING: "waiting for ten good frames in a row",
}
# What says most about the cause comes first; the others follow in the order of their bits.
_TELLING = (
    Reason.STATUS_STALE, Reason.INPUT_STALE, Reason.FROZEN, Reason.DARK, Reason.BRIGHT, Reason.OBSCURED, Reason.BLUR,
    Reason.UNKNOWN_OBJECT, Reason.LOW_QUALITY, Reason.STRANGE_SCENE,
)  # fmt: skip

STATES = {
    State.UNKNOWN: "UNKNOWN",
    State.OK: "OK",
    State.DEGRADED: "DEGRADED",
    State.FAILED: "FAILED",
    State.STALE: "STALE",
    State.LATCHED: "LATCHED",
}


def reason_words(name: str) -> str:
    """A reason's name in words; the name itself, in small letters, where there is no better phrase."""
    return _REASONS.get(Reason[name], name.lower().replace("_", " "))


def main_reason(reasons: Reason) -> str:
    """Name of the reason that says most, or an empty string."""
    for telling in _TELLING:
        if reasons & telling:
            return telling.name or ""
    rest = reasons & ~Reason.RECOVERING
    return (rest or reasons).first()
