# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Thresholds of the input checks, with what they rest on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HealthConfig:
    """Thresholds of the input checks; luma is 0..255, shares are 0..1.

    Every default is conservative: the learned verdict is the sharper judge of weather, these rules catch a camera that
    is broken, covered or out of focus. Where they come from: `trustseg faults measure` over CamVid train and val, a
    highway clip (as it is, and encoded again at five strengths, moving and held still), KITTI, and rendered drives,
    moving, braking and standing. docs/input_health.md holds the table. "Clean" below is the most (least) of those.

    Attributes:
        frozen_after: FROZEN from this many identical frames in a row on, overlays left out; 0 switches every rule of
            FROZEN off, for a simulator that stands still, or for replayed compressed video.
        frozen_after_video: the same in a stream whose blocks both move and repeat exactly, as only decoded video's do:
            longer than the longest group of pictures that encoders make unasked (250), whose first picture changes
            every pixel. Overlays are not left out there.
        video_repeats: such a stream repeats this share of its blocks on average, besides those that stand by design
            (video that stands 0.28 and more, a panel of digits over a tenth of the picture 0.06, a dark night 0.02).
        whole_overlay: a picture that stops but for this share of what usually changes (a clock, an overlay) has stopped
            as a whole.
        still_exact: noise repeats no block exactly; more than this share of them is an overlay no longer.
        still_least_motion: change of blocks from frame to frame, luma, that counts as motion.
        still_ratio: a picture has stopped suddenly when its busiest blocks change this many times less than in each of
            the last seven frames,
        still_steady: the least of these was at least this share of their median, and the last of seven that fell one
            after the other (but for one) at least this share of the first, as a braking car's are not,
        still_sides: and in the last of them at least this share of the blocks of the left and of the right third moved:
            what passes a standing camera leaves to one side (clean drives 0.11 and more wherever the car moves).
        still_tolerance: noise keeps its level within this share of itself.
        still_after: FROZEN after this many frames of nothing but noise since such a stop.
        part_share: FROZEN when at least this share of the image stopped in one frame and stands exactly still
        part_after: for this many frames, while
        part_least_rest: at least this share of the image moves on.
        ring_ratio: a picture has been there before when its block means differ from those of an earlier one by at most
            this share of what they differ from the last one's (clean: 0.63 and more),
        ring_floor: and by this, luma (noise 0.03, compressed anew up to 0.45).
        ring_motion: luma between a picture and the last one above which the picture is a new one.
        ring_unlike, ring_share: the detail of this share of the blocks has this many times less to do with the last
            picture than with the earlier one: light that flickers changes the means alone.
        ring_after: FROZEN from this many such pictures in a row on, or from this often that one picture came back.
        dark_luma, dark_share: DARK when at least this share of the image is below this luma.
        bright_luma, bright_share: BRIGHT when at least this share has this luma or more.
        blur_ratio: BLUR below this ratio of second to first differences, the lowest of four directions (white noise
            3, a step edge 2, a ramp 0).
        blur_min_contrast: no statement about blur where luma's standard deviation is lower (a wall, thick fog).
        obscured_share: OBSCURED when this share of the image is covered: blocks that stand still and lost their
            detail while the rest of the image moves. Blocks without detail (sky, plain asphalt) cannot lose any, so
            that this is about half of the true share.
        obscured_after: for this many frames in a row.
        obscured_still: a covered block's mean change from frame to frame is at most this (sensor noise).
        obscured_moving: the median change of all other blocks is at least this times that of the covered ones.
        obscured_detail: a covered block kept at most this much of its detail, against what the other blocks kept.
        obscured_luma: a covered block is darker than this share of the image's bright end: a sky that comes into view
            loses detail too, but is bright.
        obscured_same_light: the other blocks keep at least this share of their usual luma.
        obscured_history: frames it takes to learn how much detail a block has.
        dead_line: CORRUPT when a row or column stands out at this share of its places.
        lost_rows: CORRUPT when this share of the rows, at the top or bottom, shows one value and did not at first.
        banding: CORRUPT when rows are brighter or darker than their neighbours by this on average, luma, over the whole
            width; a single row counts as 2 at most.
        bit_errors: CORRUPT when this share of the pixels jumps in one colour alone.
        stuck_bit: CORRUPT when this share lies beyond a gap that a bit that is always 0 leaves in the histogram.
        tearing: CORRUPT when two neighbouring rows fit better after one shift than as they are or after any other, by
            this (correlation), and differ much less; by 0.34 where one of the last seams was in the same place.
        mosaic: COLOUR when this share of the finest detail is one regular pattern (a colour filter's),
        green_axis: or colours spread so much more between green and magenta than between yellow and blue,
        colour_after: for this many frames in a row. Red and blue that change places are seen in one frame.
    """

    frozen_after: int = 3
    frozen_after_video: int = 300
    video_repeats: float = 0.1
    whole_overlay: float = 0.1
    still_exact: float = 0.03
    still_least_motion: float = 0.5
    still_ratio: float = 2.0
    still_steady: float = 0.6
    still_sides: float = 0.08
    still_tolerance: float = 0.15
    still_after: int = 8
    part_share: float = 0.12
    part_after: int = 6
    part_least_rest: float = 0.08
    ring_ratio: float = 0.4
    ring_floor: float = 0.6
    ring_motion: float = 0.2
    ring_unlike: float = 3.0
    ring_share: float = 0.3
    ring_after: int = 4
    dark_luma: int = 16
    dark_share: float = 0.98
    bright_luma: int = 250
    bright_share: float = 0.75
    blur_ratio: float = 0.8
    blur_min_contrast: float = 10.0
    obscured_share: float = 0.12
    obscured_after: int = 7
    obscured_still: float = 3.0
    obscured_moving: float = 2.0
    obscured_detail: float = 0.6
    obscured_luma: float = 0.6
    obscured_same_light: float = 0.7
    obscured_history: int = 30
    dead_line: float = 0.7
    lost_rows: float = 0.02
    banding: float = 0.25
    bit_errors: float = 5e-4
    stuck_bit: float = 2e-3
    tearing: float = 0.2
    mosaic: float = 0.45
    green_axis: float = 0.75
    colour_after: int = 5
