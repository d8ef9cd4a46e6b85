# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered drives: equal seeds give equal bytes in any order and process; every class is drawn; no bad input."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.scenes import SCENE_CLASSES, Drive, SceneFrame, random_frame, scene_for_network
from trustseg_lab.scenes.classes import ROAD

SIZE = (120, 160)
SEED = 5


def digest(frame: SceneFrame) -> str:
    """Hash of everything in a frame."""
    parts = (frame.image_rgb.tobytes(), frame.labels.tobytes(), frame.depth_m.tobytes(), str(frame.stamp_ns).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture(scope="module")
def frames() -> list[SceneFrame]:
    drive = Drive(SEED, SIZE)
    return [drive.frame(k) for k in range(0, 900, 30)]


def test_shapes_types_and_stamp() -> None:
    frame = Drive(SEED, (90, 130), fps=20.0).frame(7)
    assert (frame.image_rgb.shape, frame.image_rgb.dtype) == ((90, 130, 3), np.uint8)
    assert (frame.labels.shape, frame.labels.dtype) == ((90, 130), np.uint8)
    assert (frame.depth_m.shape, frame.depth_m.dtype) == ((90, 130), np.float32)
    assert frame.stamp_ns == 350_000_000
    assert frame.labels.max() < len(SCENE_CLASSES)


@pytest.mark.slow
def test_a_frame_does_not_depend_on_what_was_rendered_before(frames: list[SceneFrame]) -> None:
    again = Drive(SEED, SIZE)
    for n in (20, 3, 11):
        assert digest(again.frame(n * 30)) == digest(frames[n])


def test_another_process_renders_the_same_bytes(frames: list[SceneFrame]) -> None:
    program = (
        "import hashlib; from trustseg_lab.scenes import Drive; f = Drive(5, (120, 160)).frame(60);"
        "p = (f.image_rgb.tobytes(), f.labels.tobytes(), f.depth_m.tobytes(), str(f.stamp_ns).encode());"
        "print(hashlib.sha256(b''.join(p)).hexdigest())"
    )
    search = os.pathsep.join(p for p in sys.path if p)
    env = {**os.environ, "PYTHONHASHSEED": "99", "PYTHONPATH": search}
    run = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(frames[2])


def test_seeds_and_frames_differ(frames: list[SceneFrame]) -> None:
    other = Drive(SEED + 1, SIZE).frame(0)
    assert np.mean(other.labels != frames[0].labels) > 0.1
    assert np.mean(frames[1].labels != frames[0].labels) > 0.02


@pytest.mark.slow
def test_a_random_frame_depends_on_its_seed_only() -> None:
    first, second = random_frame(3, SIZE), random_frame(3, SIZE)
    assert digest(first) == digest(second)
    assert digest(first) != digest(random_frame(4, SIZE))


@pytest.mark.parametrize("size", [(64, 96), (32, 40), (48, 200)])
def test_a_network_of_any_size_gets_a_scene(size: tuple[int, int]) -> None:
    """One of a size that can be rendered is as rendered; a smaller one is shown a larger scene, stretched."""
    scene = scene_for_network(3, size)
    assert (scene.shape, scene.dtype) == ((*size, 3), np.uint8)
    assert scene.std() > 10
    if min(size) >= 64:
        assert np.array_equal(scene, random_frame(3, size).image_rgb)


def test_every_class_is_drawn_and_the_road_lies_low(frames: list[SceneFrame]) -> None:
    # 30 places of one street, in the order of the table; a class that is never drawn would never be learned.
    shares = np.mean([np.bincount(f.labels.ravel(), minlength=len(SCENE_CLASSES)) for f in frames], axis=0)
    shares = shares / frames[0].labels.size
    named = dict(zip([c.name for c in SCENE_CLASSES], shares.tolist(), strict=True))
    assert min(named.values()) > 2e-4, named
    assert named["road"] > 0.15
    assert named["building"] + named["tree"] > 0.1
    rows = np.mean([f.labels == ROAD for f in frames], axis=(0, 2))
    assert rows[: SIZE[0] // 4].max() == 0
    assert rows[-1] > 0.5


def test_neighbouring_frames_look_alike_but_move() -> None:
    drive = Drive(SEED, SIZE)
    a, b = drive.frame(100), drive.frame(101)
    assert 0.5 < np.abs(a.image_rgb.astype(int) - b.image_rgb).mean() < 30
    assert np.mean(a.labels == b.labels) > 0.8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((1, (32, 200)), "64x64"), ((-1, SIZE), "seed"), ((1, SIZE, 0.0), "fps"), ((1, SIZE, float("nan")), "fps")],
)
def test_impossible_drives_are_refused(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Drive(*arguments)  # type: ignore[arg-type]


def test_a_negative_frame_number_is_refused() -> None:
    with pytest.raises(InputError, match="frame number"):
        Drive(SEED, SIZE).frame(-1)
