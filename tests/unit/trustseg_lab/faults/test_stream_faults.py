# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults of a camera: each changes what it says, and nothing else."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from bundle_factory import paint_scene
from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.errors import FrameRejected, InputError
from trustseg.frames import decode_compressed, decode_pixels
from trustseg_lab.faults.camera_message import CameraMessage
from trustseg_lab.faults.false_alarms import CALM
from trustseg_lab.faults.stream_faults import (
    CAMERA_FAULTS,
    COMPRESSED_FAULTS,
    INFO_FAULTS,
    OTHER_CAMERA,
    OTHER_MASK,
    RINGS,
    SOUND_FRAMES,
    CameraFault,
    info_size,
)
from trustseg_lab.scenes import apply_condition
from trustseg_lab.scenes.conditions import condition_seed
from trustseg_lab.scenes.overlays import BOX_GREY

PERIOD = SECOND // 10
BOUNDS: Bounds = derive_bounds(PERIOD, 50 * MS)
HEIGHT, WIDTH = 48, 64
START = 1_000 * SECOND
PIXELS = {"data"}
CALM_KINDS = tuple(calm.kind for calm in CALM if calm.kind)
# Fields that may differ from the camera's; every other fault of a picture may change its pixels alone.
CHANGES: dict[str, set[str]] = {
    **{kind: set() for kind in ("low_rate", "drop_frames", "backlog", "duplicate_stamp", *CALM_KINDS)},
    **{kind: set() for kind in (*INFO_FAULTS, OTHER_MASK)},
    **{kind: {"stamp_ns"} for kind in ("stamp_backward", "stamp_future", "stamp_zero", "stamp_old")},
    "resolution_change": {"height", "width", "step", "data"},
    "step_short": {"step", "data"},
    "step_padded": {"step", "data"},
    "encoding_unknown": {"encoding"},
    "encoding_change": {"encoding"},
    "big_endian_16": {"encoding", "is_bigendian", "step", "data"},
    "size_zero": {"width"},
    "size_huge": {"height", "width"},
    "frame_id_change": {"frame_id"},
}
RAW = [kind for kind in CAMERA_FAULTS if kind not in COMPRESSED_FAULTS]


def shots(count: int, encoding: str = "bgr8") -> list[CameraMessage]:
    made = []
    for k in range(count):
        data = paint_scene(HEIGHT, WIDTH, seed=k).reshape(-1)
        made.append(CameraMessage(START + k * PERIOD, "front", HEIGHT, WIDTH, 3 * WIDTH, encoding, data))
    return made


def delivered(kind: str, given: list[CameraMessage], seed: int = 0) -> list[list[tuple[CameraMessage, int]]]:
    fault = CameraFault(kind, BOUNDS, seed)
    return [[(d.shot, d.delay_ns) for d in fault.apply(shot)] for shot in given]


@pytest.mark.parametrize("kind", RAW)
def test_a_fault_changes_its_fields_and_leaves_the_others(kind: str) -> None:
    given = shots(10)  # more than a ring of eight buffers holds
    kept = [dataclasses.replace(shot, data=shot.data.copy()) for shot in given]
    changed: set[str] = set()
    for before, after in zip(given, delivered(kind, given)):
        for shot, _ in after:
            for name in (f.name for f in dataclasses.fields(CameraMessage)):
                old, new = getattr(before, name), getattr(shot, name)
                if not (np.array_equal(old, new) if name == "data" else old == new):
                    changed.add(name)
    if kind != "stop":
        assert changed == CHANGES.get(kind, PIXELS)
    for shot, untouched in zip(given, kept):
        assert np.array_equal(shot.data, untouched.data)  # the camera's own memory stays as it is


@pytest.mark.parametrize("kind", RAW)
def test_the_same_seed_gives_the_same_frames(kind: str) -> None:
    first, again = delivered(kind, shots(3), seed=5), delivered(kind, shots(3), seed=5)
    for one, other in zip(first, again):
        assert [(s.stamp_ns, s.data.tobytes(), delay) for s, delay in one] == [
            (s.stamp_ns, s.data.tobytes(), delay) for s, delay in other
        ]


def test_streams_are_thinned_delayed_and_doubled() -> None:
    assert [len(d) for d in delivered("stop", shots(5))] == [0] * 5
    assert [len(d) for d in delivered("low_rate", shots(6))] == [0, 1, 0, 1, 0, 1]
    assert sum(len(d) for d in delivered("drop_frames", shots(20))) == 16
    assert all(delay == BOUNDS.backlog_ns + PERIOD for d in delivered("backlog", shots(3)) for _, delay in d)
    twice = delivered("duplicate_stamp", shots(2))
    assert [len(d) for d in twice] == [2, 2]


@pytest.mark.parametrize(("kind", "share"), [("random_loss_1", 0.01), ("random_loss_3", 0.03)])
@pytest.mark.slow
def test_frames_are_lost_at_random_and_the_others_come_three_milliseconds_unevenly(kind: str, share: float) -> None:
    (shot,) = shots(1)
    stream = [dataclasses.replace(shot, stamp_ns=START + k * PERIOD) for k in range(10_000)]
    came = delivered(kind, stream)
    assert sum(not each for each in came) == pytest.approx(share * len(stream), abs=4 * (share * len(stream)) ** 0.5)
    delays = np.array([delay for each in came for _, delay in each])
    assert delays.min() > 0
    assert (delays.mean() / MS, delays.std() / MS) == pytest.approx((9.0, 3.0), abs=0.2)
    lost = np.flatnonzero([not each for each in came])
    assert len(set(np.diff(lost))) > 20  # at random, not every so many


def test_a_rate_wanders_to_a_third_and_back_evenly() -> None:
    """20 s at 10 Hz, by hand: all of it at the ends, a third of it in the middle, two thirds on the whole."""
    (shot,) = shots(1)
    stream = [dataclasses.replace(shot, stamp_ns=START + k * PERIOD) for k in range(200)]
    sent = [each[0][0].stamp_ns for each in delivered("rate_varies", stream) if each]
    gaps = np.diff(sent) // PERIOD
    assert len(sent) == pytest.approx(133, abs=1)
    assert (gaps[:5] == 1).all()
    assert (gaps[-5:] == 1).all()
    assert gaps.max() == 3
    assert [gap for gap, at in zip(gaps, sent) if abs(at - START - 100 * PERIOD) < 6 * PERIOD] == [3, 3, 3, 3]


def test_every_third_frame_is_blurred_and_no_other() -> None:
    given = shots(7)
    changed = [not np.array_equal(d[0][0].data, s.data) for d, s in zip(delivered("every_third_blurred", given), given)]
    assert changed == [True, False, False, True, False, False, True]


def test_stamps_are_wrong_in_the_way_that_is_said() -> None:
    back = [d[0][0].stamp_ns for d in delivered("stamp_backward", shots(15))]
    assert back == sorted(back, reverse=True)
    assert max(back) < START - PERIOD  # before the newest good frame, each earlier than the one before it
    assert delivered("stamp_future", shots(1))[0][0][0].stamp_ns == START + SECOND
    assert delivered("stamp_zero", shots(1))[0][0][0].stamp_ns == 0


def test_pictures_of_rgb_and_bgr_show_the_same() -> None:
    for kind in ("black", "upside_down", "channel_swap", "resolution_change"):
        bgr = delivered(kind, shots(1))[0][0][0]
        rgb_in = [dataclasses.replace(s, encoding="rgb8").with_rgb(s.rgb) for s in shots(1)]
        rgb = delivered(kind, rgb_in)[0][0][0]
        assert np.array_equal(bgr.rgb, rgb.rgb), kind
    with pytest.raises(InputError, match="rgb8 or bgr8"):
        CameraFault("black", BOUNDS).apply(dataclasses.replace(shots(1)[0], encoding="mono8"))


def test_the_named_changes_are_made() -> None:
    given = shots(1)[0]
    one = {kind: delivered(kind, [given])[0][0][0] for kind in RAW if kind not in ("stop", "low_rate", "drop_frames")}
    assert not one["black"].data.any()
    assert (one["overexposed"].data == 255).all()
    assert np.array_equal(one["upside_down"].rgb, given.rgb[::-1, ::-1])
    assert np.array_equal(one["channel_swap"].rgb, given.rgb[..., ::-1])
    assert one["data_short"].data.size == given.data.size - 1
    assert one["data_long"].data.size == given.data.size + 1
    assert one["step_padded"].data.size == HEIGHT * (3 * WIDTH + 16)
    assert np.array_equal(one["step_padded"].rgb, given.rgb)
    assert one["step_short"].data.size == HEIGHT * one["step_short"].step
    assert one["frame_id_change"].frame_id == OTHER_CAMERA
    assert (one["resolution_change"].height, one["resolution_change"].width) == (HEIGHT // 2, WIDTH // 2)
    assert one["big_endian_16"].data[1::2].tobytes() == given.data.tobytes()


def test_compressed_files_are_broken_and_the_node_says_so() -> None:
    given = shots(1)[0].compressed()
    assert decode_compressed(given.data.tobytes())[0].shape == (HEIGHT, WIDTH, 3)
    for kind in COMPRESSED_FAULTS:
        after = delivered(kind, [given])[0][0][0]
        assert after.data.size < 200_000
        with pytest.raises(FrameRejected):
            decode_compressed(after.data.tobytes())


def test_the_padded_step_is_one_that_the_node_accepts() -> None:
    given = shots(1)[0]
    padded = delivered("step_padded", [given])[0][0][0]
    image, order = decode_pixels(padded.data.tobytes(), HEIGHT, WIDTH, padded.step, padded.encoding)
    assert order == "bgr"
    assert np.array_equal(image[..., ::-1], given.rgb)


def test_camera_infos_are_withheld_or_of_another_camera() -> None:
    assert info_size("camera_info_missing", HEIGHT, WIDTH) is None
    assert info_size("camera_info_other", HEIGHT, WIDTH) != (HEIGHT, WIDTH)
    assert info_size("black", HEIGHT, WIDTH) == (HEIGHT, WIDTH)


def test_unknown_kinds_and_severities_are_refused() -> None:
    with pytest.raises(InputError, match="no such fault"):
        CameraFault("earthquake", BOUNDS)
    for severity in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="severity"):
            CameraFault("defocus", BOUNDS, severity=severity)


def test_a_shot_is_compressed_without_loss_as_png() -> None:
    given = shots(1)[0]
    image = cv2.imdecode(given.compressed(".png").data, cv2.IMREAD_COLOR)
    assert np.array_equal(image[..., ::-1], given.rgb)


def test_a_glare_dazzles_twice_as_much_as_one_sun() -> None:
    (given,) = shots(1)
    image = np.ascontiguousarray(given.rgb)
    once = apply_condition("glare", 1.0, image, seed=condition_seed("glare", 5, 0))
    twice = apply_condition("glare", 1.0, np.ascontiguousarray(once), seed=condition_seed("glare", 5, 0))
    shown = CameraFault("glare", BOUNDS, seed=5).apply(given)[0].shot.rgb
    assert np.array_equal(shown, twice)
    assert twice.mean() > once.mean() > image.mean()


def test_a_camera_with_an_overlay_is_sound_until_it_freezes() -> None:
    fault = CameraFault("frozen_behind_box", BOUNDS)
    given = shots(SOUND_FRAMES + 3)
    (*sound, first, second, third) = (delivery for shot in given for delivery in fault.apply(shot))
    assert not any(each.faulty for each in sound)
    assert all(each.faulty for each in (first, second, third))
    assert len({each.shot.data.tobytes() for each in sound}) == SOUND_FRAMES
    assert first.shot.data.tobytes() == second.shot.data.tobytes() == third.shot.data.tobytes()
    assert all((each.shot.rgb[30, -2:] == BOX_GREY).all() for each in (*sound, first))


@pytest.mark.parametrize("kind", RINGS)
def test_a_ring_of_buffers_begins_with_the_first_picture_that_comes_back(kind: str) -> None:
    fault = CameraFault(kind, BOUNDS)
    faulty = [delivery.faulty for shot in shots(12) for delivery in fault.apply(shot)]
    assert faulty == [False] * RINGS[kind] + [True] * (12 - RINGS[kind])
