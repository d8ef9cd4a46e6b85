# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Dirt, a leaf, condensation: parts of the lens that show nothing while the rest of the picture moves."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.input_health.config import HealthConfig
from trustseg.input_health.frame_metrics import BLOCKS, Blocks, quantile

LEAST_DETAIL = 1.0  # mean difference of neighbouring pixels, luma, below which a block counts as plain


class ObscuredCheck:
    """Finds blocks that stand still and have lost their detail while the rest of the image moves."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._usual_detail: Blocks = np.zeros(BLOCKS, np.float32)
        self._usual_level: Blocks = np.zeros(BLOCKS, np.float32)
        self._covered_for = np.zeros(BLOCKS, np.int32)
        self._seen = 0

    def share(self, change: Blocks, level: Blocks, detail: Blocks, bright_end: float) -> float:
        """Share of the image covered for long enough, 0..1.

        Args:
            change, level, detail: of each block: since the last frame, mean luma, what neighbours in it differ by.
            bright_end: 95 % quantile of luma.
        """
        config = self._config
        self._seen += 1
        # Against the blocks that kept most: night, fog and defocus take detail from the whole image.
        kept = detail / np.maximum(self._usual_detail, LEAST_DETAIL)
        detailed = self._usual_detail >= LEAST_DETAIL
        best_kept = quantile(kept[detailed], 0.75)
        suspect = (
            (change <= config.obscured_still)
            & (kept <= config.obscured_detail * best_kept)
            & detailed
            & (level <= config.obscured_luma * bright_end)
        )
        clear, suspected = ~suspect, bool(suspect.any())
        still = quantile(change[suspect], 0.5) if suspected else 0.0
        moving = quantile(change[clear], 0.5)
        if suspected and self._seen > 1:
            lit = quantile((level / (self._usual_level + 1.0))[clear], 0.5)
            if lit < config.obscured_same_light:
                clear[:] = True  # a tunnel or the night: what is dark there may be plain for that reason
        if moving > 0.0 and moving >= config.obscured_moving * still:
            # While nothing moves, nothing is learned and nothing is counted: a standing car sees a still world.
            weight, learned = 1.0 / min(self._seen, config.obscured_history), clear.view(np.uint8)
            cv2.accumulateWeighted(detail, self._usual_detail, weight, learned)
            cv2.accumulateWeighted(level, self._usual_level, weight, learned)
            self._covered_for += 1
            self._covered_for[clear] = 0
        if self._seen <= config.obscured_history:
            self._covered_for[:] = 0
        return float((self._covered_for >= config.obscured_after).mean())
