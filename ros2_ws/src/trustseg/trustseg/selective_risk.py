# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Selective risk: a mask that keeps only pixels of which at most a share that the user names is wrong.

The threshold comes from bounds that calibration measured on clean images of the camera (`SelectiveRisk`); the promise
is for such images and fails under shift, where the image verdict has to speak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.bundle.calibration_file import SelectiveRisk
from trustseg.bundle.card import VOID_LABEL
from trustseg.errors import BundleError
from trustseg.types import UInt8Array

NOTHING = 256  # a threshold that no confidence reaches


@dataclass(frozen=True)
class Selection:
    """Which pixels a mask keeps.

    Attributes:
        risk: share of wrong pixels among them that was asked for, 0..1.
        threshold: confidence (P x 255) from which on a pixel is kept.
        coverage: share of the pixels that was kept in calibration, 0..1.
    """

    risk: float
    threshold: int
    coverage: float

    def describe(self) -> str:
        """One line for a log."""
        return (
            f"pixels of confidence {self.threshold / 255:.3f} or more for a selective risk of {100 * self.risk:g} %: "
            f"{100 * self.coverage:.1f} % of those of calibration; the others are {VOID_LABEL}"
        )

    def kept(self, labels: UInt8Array, confidence: UInt8Array) -> UInt8Array:
        """`labels` uint8 (h, w) with VOID_LABEL where `confidence` uint8 (h, w) is below the threshold."""
        return np.where(confidence < self.threshold, np.uint8(VOID_LABEL), labels)


def threshold_of(model: SelectiveRisk, risk: float) -> int:
    """The lowest confidence (P x 255) from which on the bound is at most `risk`; `NOTHING` where none is."""
    enough = np.flatnonzero(np.asarray(model.bound) <= risk)
    return int(enough[0]) if enough.size else NOTHING


def selection(model: SelectiveRisk | None, risk: float, bundle: str) -> Selection:
    """The selection for a risk; `bundle`: name, for messages.

    Raises:
        BundleError: the bundle has no bounds, or no confidence holds this risk.
    """
    if model is None:
        raise BundleError(
            f"bundle {bundle} has no bounds for a selective risk",
            fix=f"run `trustseg calibrate --published --bundle {bundle} --data ...`, or leave selective_risk at 0",
        )
    threshold = threshold_of(model, risk)
    if threshold == NOTHING:
        raise BundleError(
            f"no confidence of bundle {bundle} holds the selective risk that is asked for",
            expected=f"at least {min(model.bound):.4f}", got=f"{risk:g}",
        )  # fmt: skip
    return Selection(risk, threshold, model.coverage[threshold])
