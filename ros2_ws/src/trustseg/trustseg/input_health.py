"""Input health: is what the camera shows worth segmenting? Cheap figures of a small copy of each frame.

State is explicit and small: the previous frame (frozen camera) and figures of image blocks (dirt on the lens).
Every threshold is conservative: the learned verdict is the sharper judge of weather, these rules catch a camera
that is broken, covered or out of focus. Provenance of the defaults: 701 CamVid stills (train, val and test), 221 frames
of a highway clip and 850 rendered frames, all clean, and the same with synthetic faults; measured on 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.reasons import Reason
from trustseg.types import HealthReport, UInt8Array

SMALL_SIZE = (180, 240)  # (height, width) of the copy that every figure is taken from
BLOCKS = (12, 16)  # (rows, columns) of the grid that dirt is looked for in: 15 x 15 pixels of the copy each
LEAST_DETAIL = 1.0  # mean difference of neighbouring pixels, luma, below which a block counts as plain
_ALL, _HEAD, _TAIL = slice(None), slice(None, -1), slice(1, None)
# Second-difference kernel, and the two views whose difference is the first one: along x, y and both diagonals.
SECOND_DIFFERENCES = (
    (np.array([[0, 0, 0], [1, -2, 1], [0, 0, 0]], np.float32), (_ALL, _TAIL), (_ALL, _HEAD)),
    (np.array([[0, 1, 0], [0, -2, 0], [0, 1, 0]], np.float32), (_TAIL, _ALL), (_HEAD, _ALL)),
    (np.array([[1, 0, 0], [0, -2, 0], [0, 0, 1]], np.float32), (_TAIL, _TAIL), (_HEAD, _HEAD)),
    (np.array([[0, 0, 1], [0, -2, 0], [1, 0, 0]], np.float32), (_TAIL, _HEAD), (_HEAD, _TAIL)),
)
Blocks = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HealthConfig:
    """Thresholds of the input checks; luma is 0..255, shares are 0..1.

    Attributes:
        frozen_after: FROZEN from this many identical frames in a row on; 0 switches the rule off, for a simulator that
            stands still, or for replayed compressed video, whose frames repeat exactly where nothing moves.
        dark_luma, dark_share: DARK when at least this share of the image is below this luma. Clean images: at most
            0.34 of the darkest (dusk) one is below 16.
        bright_luma, bright_share: BRIGHT when at least this share has this luma or more. Clean: at most 0.45.
        blur_ratio: BLUR below this ratio of second to first differences, the lowest of four directions (white noise
            3, a step edge 2, a ramp 0). Clean: at least 1.08 (rendered; real at least 1.35). Gaussian blur, sigma in
            pixels of a 480 pixel wide image: sigma 2 0.34 to 0.64, sigma 3 at most 0.33. Motion over 21 pixels is
            found in 73 to 89 % of images in any direction, in sharp rendered ones less often.
        blur_min_contrast: no statement about blur where luma's standard deviation is lower (a wall, thick fog).
        obscured_share: OBSCURED when this share of the image is covered: blocks that stand still and lost their
            detail while the rest of the image moves. Blocks without detail (sky, plain asphalt) cannot lose any, so
            that this is about half of the true share. Clean: at most 0.06. Opaque blobs over 25 % of three rendered
            drives: 0.19 to 0.28; on the highway clip, mostly sky and plain asphalt, they are not found.
        obscured_after: for this many frames in a row.
        obscured_still: a covered block's mean change from frame to frame is at most this (sensor noise).
        obscured_moving: the median change of all other blocks is at least this times that of the covered ones.
        obscured_detail: a covered block kept at most this much of its detail, against what the other blocks kept.
        obscured_luma: a covered block is darker than this share of the image's bright end: a sky that comes into view
            loses detail too, but is bright.
        obscured_same_light: the other blocks keep at least this share of their usual luma.
        obscured_history: frames it takes to learn how much detail a block has.
    """

    frozen_after: int = 3
    dark_luma: int = 16
    dark_share: float = 0.98
    bright_luma: int = 250
    bright_share: float = 0.75
    blur_ratio: float = 0.45
    blur_min_contrast: float = 10.0
    obscured_share: float = 0.12
    obscured_after: int = 10
    obscured_still: float = 3.0
    obscured_moving: float = 2.0
    obscured_detail: float = 0.6
    obscured_luma: float = 0.6
    obscured_same_light: float = 0.7
    obscured_history: int = 30


class InputHealth:
    """Checks the frames of one camera in their order of arrival.

    Holds on to the newest image until the next call: the caller must not overwrite it.
    """

    def __init__(self, config: HealthConfig) -> None:
        self.config = config
        self.reset()

    def reset(self) -> None:
        """Forget earlier frames."""
        self._frozen = FrozenCheck()
        self._obscured = ObscuredCheck(self.config)

    def check(self, image: UInt8Array, stamp_ns: int, reduced: UInt8Array | None = None) -> HealthReport:
        """Report on one frame.

        Args:
            image: uint8 (H, W, 3) in either channel order.
            stamp_ns: of the frame, nanoseconds.
            reduced: the same image made smaller, where there is one already: saves reading all of `image`.
        """
        config = self.config
        small = _small(image if reduced is None else reduced)
        luma: UInt8Array = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        cumulated = np.cumsum(cv2.calcHist([luma], [0], None, [256], [0, 256]).reshape(256)) / luma.size
        figures = {
            "identical": float(self._frozen.count(image, small, stamp_ns)),
            "dark_share": float(cumulated[config.dark_luma - 1]),
            "bright_share": 1.0 - float(cumulated[config.bright_luma - 1]),
            "contrast": float(cv2.meanStdDev(luma)[1][0, 0]),
            "blur_ratio": blur_ratio(luma),
            "obscured_share": self._obscured.share(luma, float(np.searchsorted(cumulated, 0.95))),
        }
        reasons = Reason.NONE
        if config.frozen_after and figures["identical"] >= config.frozen_after:
            reasons |= Reason.FROZEN
        if figures["dark_share"] >= config.dark_share:
            reasons |= Reason.DARK
        if figures["bright_share"] >= config.bright_share:
            reasons |= Reason.BRIGHT
        if figures["blur_ratio"] < config.blur_ratio and figures["contrast"] >= config.blur_min_contrast:
            reasons |= Reason.BLUR
        if figures["obscured_share"] >= config.obscured_share:
            reasons |= Reason.OBSCURED
        return HealthReport(reasons, figures)


class FrozenCheck:
    """Counts exactly equal images with different stamps.

    A camera at a standstill is not frozen: its sensor's noise changes every frame.
    """

    def __init__(self) -> None:
        self._image: UInt8Array | None = None
        self._small: UInt8Array | None = None
        self._stamp_ns: int | None = None
        self._count = 0

    def count(self, image: UInt8Array, small: UInt8Array, stamp_ns: int) -> int:
        """How many images in a row, this one included, are the same; `small` is the reduced copy of `image`."""
        before, before_small, new_stamp = self._image, self._small, stamp_ns != self._stamp_ns
        self._image, self._small, self._stamp_ns = image, small, stamp_ns
        # The copies are compared first: the whole images only when there is a reason to.
        same = (
            before is not None
            and before_small is not None
            and before.shape == image.shape
            and np.array_equal(before_small, small)
            and np.array_equal(before, image)
        )
        if not same:
            self._count = 1
        elif new_stamp:
            self._count += 1
        return self._count


class ObscuredCheck:
    """Finds blocks that stand still and have lost their detail while the rest of the image moves."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._before: UInt8Array | None = None
        self._usual_detail: Blocks = np.zeros(BLOCKS, np.float32)
        self._usual_level: Blocks = np.zeros(BLOCKS, np.float32)
        self._covered_for = np.zeros(BLOCKS, np.int32)
        self._seen = 0

    def share(self, luma: UInt8Array, bright_end: float) -> float:
        """Share of the image covered for long enough, 0..1.

        Args:
            luma: uint8 (h, w). bright_end: 95 % quantile of luma.
        """
        config, before = self._config, self._before
        self._before = luma
        if before is None or before.shape != luma.shape:
            return 0.0
        change, level = block_means(cv2.absdiff(luma, before)), block_means(luma)
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


def quantile(values: npt.NDArray[np.floating], share: float) -> float:
    """The value below which about `share` of `values` lie; 0 of none. numpy's own takes ten times as long."""
    return float(np.sort(values)[int(share * (values.size - 1))]) if values.size else 0.0


def block_means(values: npt.NDArray[np.generic]) -> Blocks:
    """float32 `BLOCKS`: mean of each block of a uint8 (h, w) image."""
    rows, columns = BLOCKS
    return np.asarray(cv2.resize(values.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def blur_ratio(luma: UInt8Array) -> float:
    """Energy of second over first differences of uint8 (h, w), the lowest of four directions; 0 for an empty scene.

    Blur of any kind takes high frequencies away first; motion blur takes them along its direction only.
    """
    half_step = 0.5 * luma.size  # rounding to whole lumas alone gives about this much energy
    ratios = []
    for kernel, first, second in SECOND_DIFFERENCES:
        bent = cv2.norm(cv2.filter2D(luma, cv2.CV_16S, kernel)[1:-1, 1:-1]) ** 2
        ratios.append(bent / (cv2.norm(luma[first], luma[second]) ** 2 + half_step))
    return float(min(ratios))


def _small(image: UInt8Array) -> UInt8Array:
    # Never enlarged: that would look like blur.
    height, width = min(SMALL_SIZE[0], image.shape[0]), min(SMALL_SIZE[1], image.shape[1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
