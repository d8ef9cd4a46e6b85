# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""All input checks of one camera's frames, in their order of arrival."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.input_health.colour import ColourCheck
from trustseg.input_health.config import HealthConfig
from trustseg.input_health.corrupt import CorruptCheck
from trustseg.input_health.frame_metrics import block_metrics, blur_ratio, small_copy
from trustseg.input_health.obscured import ObscuredCheck
from trustseg.input_health.ring import RingCheck
from trustseg.input_health.still import FrozenCheck, StillCheck, Stillness
from trustseg.reasons import Reason
from trustseg.types import HealthReport, UInt8Array


class InputHealth:
    """Checks the frames of one camera in their order of arrival.

    Holds on to the newest image until the next call: the caller must not overwrite it.
    """

    def __init__(self, config: HealthConfig) -> None:
        self.config = config
        self.reset()

    def reset(self) -> None:
        """Forget earlier frames."""
        self._luma: UInt8Array | None = None
        self._frozen = FrozenCheck()
        self._still = StillCheck(self.config)
        self._ring = RingCheck(self.config)
        self._obscured = ObscuredCheck(self.config)
        self._corrupt = CorruptCheck(self.config)
        self._colour = ColourCheck(self.config)

    def check(self, image: UInt8Array, stamp_ns: int, reduced: UInt8Array | None = None) -> HealthReport:
        """Report on one frame.

        Args:
            image: uint8 (H, W, 3) in either channel order.
            stamp_ns: of the frame, nanoseconds.
            reduced: the same image made smaller, where there is one already: saves reading all of `image`.
        """
        config = self.config
        small = small_copy(image if reduced is None else reduced)
        luma: UInt8Array = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        cumulated = np.cumsum(cv2.calcHist([luma[::2]], [0], None, [256], [0, 256]).reshape(256)) / luma[::2].size
        figures = {
            "dark_share": float(cumulated[config.dark_luma - 1]),
            "bright_share": 1.0 - float(cumulated[config.bright_luma - 1]),
            "contrast": float(cv2.meanStdDev(luma)[1][0, 0]),
            "blur_ratio": blur_ratio(luma),
            **self._since_last(image, luma, stamp_ns, float(cumulated.searchsorted(0.95))),
            **self._corrupt.figures(image),
            **self._colour.figures(image, small),
        }
        return HealthReport(self._reasons(figures), figures)

    def _since_last(self, image: UInt8Array, luma: UInt8Array, stamp_ns: int, bright_end: float) -> dict[str, float]:
        """Figures of what changed since the last frame; `bright_end` is the 95 % quantile of luma."""
        before, self._luma = self._luma, luma
        still, obscured, again, alike = Stillness(0, 0.0, 0), 0.0, 0, False
        if before is not None and before.shape == luma.shape:
            change, level, detail = block_metrics(luma, before)
            alike = not change.any()
            still = self._still.note(luma, before, change, level)
            again = self._ring.note(luma, level, self._still.history)
            obscured = self._obscured.share(change, level, detail, bright_end)
        return {
            "identical": float(self._frozen.count(image, alike, stamp_ns)), "still_for": float(still.under_noise),
            "still_part": still.part, "still_whole": float(still.whole), "repeats": self._still.repeats,
            "shown_again": float(again), "obscured_share": obscured,
        }  # fmt: skip

    def _reasons(self, figures: dict[str, float]) -> Reason:
        config = self.config
        reasons = Reason.NONE
        longest = config.frozen_after_video if self._still.is_video else config.frozen_after
        stopped = (
            figures["still_for"] >= config.still_after
            or figures["still_part"] >= config.part_share
            or figures["still_whole"] >= config.frozen_after
            or figures["shown_again"] >= config.ring_after
        )
        if config.frozen_after and (figures["identical"] >= longest or stopped):
            reasons |= Reason.FROZEN
        if figures["dark_share"] >= config.dark_share:
            reasons |= Reason.DARK
        if figures["bright_share"] >= config.bright_share:
            reasons |= Reason.BRIGHT
        if figures["blur_ratio"] < config.blur_ratio and figures["contrast"] >= config.blur_min_contrast:
            reasons |= Reason.BLUR
        if figures["obscured_share"] >= config.obscured_share:
            reasons |= Reason.OBSCURED
        if self._corrupt.found(figures):
            reasons |= Reason.CORRUPT
        if self._colour.found(figures):
            reasons |= Reason.COLOUR
        return reasons
