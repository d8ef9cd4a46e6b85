"""Dirt, a leaf, condensation: parts of the lens that show nothing while the rest of the picture moves."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.input_health.config import HealthConfig
from trustseg.input_health.figures import BLOCKS, Blocks, block_means, quantile
from trustseg.types import UInt8Array

LEAST_DETAIL = 1.0  # mean difference of neighbouring pixels, luma, below which a block counts as plain


class ObscuredCheck:
    """Finds blocks that stand still and have lost their detail while the rest of the image moves."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._usual_detail: Blocks = np.zeros(BLOCKS, np.float32)
        self._usual_level: Blocks = np.zeros(BLOCKS, np.float32)
        self._covered_for = np.zeros(BLOCKS, np.int32)
        self._seen = 0

    def share(self, luma: UInt8Array, change: Blocks, level: Blocks, bright_end: float) -> float:
        """Share of the image covered for long enough, 0..1.

        Args:
            luma: uint8 (h, w). change, level: of each block since the last frame, and its mean luma.
            bright_end: 95 % quantile of luma.
        """
        config = self._config
        detail = block_means(cv2.absdiff(luma[:, 1:], luma[:, :-1]))
        self._seen += 1
        weight = 1.0 / min(self._seen, config.obscured_history)
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
        still, moving = quantile(change[suspect], 0.5), quantile(change[~suspect], 0.5)
        dimmed = quantile((level / (self._usual_level + 1.0))[~suspect], 0.5) < config.obscured_same_light
        if self._seen > 1 and dimmed:
            suspect[:] = False  # a tunnel or the night: what is dark there may be plain for that reason
        if moving > 0.0 and moving >= config.obscured_moving * still:
            # While nothing moves, nothing is learned and nothing is counted: a standing car sees a still world.
            learn = np.where(suspect, 0.0, weight)
            self._usual_detail += learn * (detail - self._usual_detail)
            self._usual_level += learn * (level - self._usual_level)
            self._covered_for = np.where(suspect, self._covered_for + 1, 0)
        if self._seen <= config.obscured_history:
            self._covered_for[:] = 0
        return float(np.mean(self._covered_for >= config.obscured_after))
