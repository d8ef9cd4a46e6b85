# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A mask that keeps only pixels of which at most a share that the user names is wrong (selective risk), or so few that
at most a share of an image's wrong pixels is among them (missed errors).

Thresholds come from bounds that calibration measured on clean images of the camera (`SelectiveRisk`); the promise
is for such images and fails under shift, where the image verdict has to speak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trustseg.bundle.calibration_file import SelectiveRisk
from trustseg.bundle.card import VOID_LABEL
from trustseg.errors import BundleError
from trustseg.types import UInt8Array

NOTHING = 256  # a threshold that no confidence reaches


@dataclass(frozen=True)
class Promise:
    """What a mask is asked for; 0: nothing of the kind.

    Attributes:
        selective_risk: largest share of wrong pixels among those that it keeps, 0..1.
        missed_errors: largest expected share of an image's wrong pixels that it keeps, 0..1.
    """

    selective_risk: float = 0.0
    missed_errors: float = 0.0


@dataclass(frozen=True)
class Selection:
    """Which pixels a mask keeps.

    Attributes:
        promise: what was asked for.
        threshold: confidence (P x 255) from which on a pixel is kept.
        coverage: share of the pixels that was kept in calibration, 0..1.
    """

    promise: Promise
    threshold: int
    coverage: float

    def describe(self) -> str:
        """One line for a log."""
        asked = {"selective risk": self.promise.selective_risk, "share of missed errors": self.promise.missed_errors}
        return (
            f"pixels of confidence {self.threshold / 255:.3f} or more for a "
            + " and a ".join(f"{name} of {100 * value:g} %" for name, value in asked.items() if value > 0)
            + f": {100 * self.coverage:.1f} % of those of calibration; the others are {VOID_LABEL}"
        )

    def kept(self, labels: UInt8Array, confidence: UInt8Array) -> UInt8Array:
        """`labels` uint8 (h, w) with VOID_LABEL where `confidence` uint8 (h, w) is below the threshold."""
        return np.where(confidence < self.threshold, np.uint8(VOID_LABEL), labels)


def threshold_of(bounds: Sequence[float], wanted: float) -> int:
    """The lowest confidence (P x 255) whose bound, one of 256, is at most `wanted`; `NOTHING` where none is."""
    enough = np.flatnonzero(np.asarray(bounds) <= wanted)
    return int(enough[0]) if enough.size else NOTHING


def selection(model: SelectiveRisk | None, promise: Promise, bundle: str) -> Selection | None:
    """The selection that holds what is asked for, None where nothing is; `bundle`: name, for messages.

    Raises:
        BundleError: the bundle has no bounds, or no confidence holds this.
    """
    if promise == Promise():
        return None
    if model is None:
        raise BundleError(
            f"bundle {bundle} has no bounds for a selective risk or missed errors",
            fix=f"run `trustseg calibrate --published --bundle {bundle} --data ...`, or leave the parameters at 0",
        )
    threshold = 0
    for name, bounds, wanted in (
        ("selective risk", model.bound, promise.selective_risk),
        ("share of missed errors", model.missed, promise.missed_errors),
    ):  # fmt: skip
        found = threshold_of(bounds, wanted) if wanted > 0 else 0
        if found == NOTHING:
            raise BundleError(
                f"no confidence of bundle {bundle} holds the {name} that is asked for",
                expected=f"at least {min(bounds):.4f}", got=f"{wanted:g}",
            )  # fmt: skip
        threshold = max(threshold, found)
    return Selection(promise, threshold, model.coverage[threshold])
