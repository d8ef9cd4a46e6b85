# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Transforms by hand arithmetic: chains up and down the tree, and everything that must not be believed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trustseg.bounds import MS
from trustseg.camera.transform import Transform
from trustseg.errors import InputError
from trustseg_ros.common.transform_tree import MOST_FRAMES, TransformTree

HALF = float(np.sqrt(0.5))
STRAIGHT, LEFT = (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, HALF, HALF)  # LEFT: a quarter turn about z, x becomes y
OPTICAL = (-0.5, 0.5, -0.5, 0.5)  # z ahead, x right in x ahead, y left
NOW = 10_000 * MS


def said(
    parent: str, child: str, place: tuple[float, float, float], turn: tuple[float, float, float, float] = STRAIGHT
) -> Any:
    """As geometry_msgs/TransformStamped."""
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=parent),
        child_frame_id=child,
        transform=SimpleNamespace(
            translation=SimpleNamespace(**dict(zip("xyz", place, strict=True))),
            rotation=SimpleNamespace(**dict(zip("xyzw", turn, strict=True))),
        ),
    )


def tree_of(*transforms: Any, heard_ns: int | None = None) -> TransformTree:
    tree = TransformTree(100 * MS)
    tree.take(transforms, heard_ns)
    return tree


def at(transform: Transform, *point: float) -> list[float]:
    return [round(float(v), 9) + 0.0 for v in transform.rotation @ np.array(point) + transform.translation]


def test_up_the_tree_down_the_tree_and_across() -> None:
    tree = tree_of(
        said("base", "mast", (1, 0, 2), LEFT), said("mast", "camera", (3, 0, 0)), said("base", "lidar", (0, 0, 1))
    )
    # 3 ahead of the mast is 3 to the left of the base, whose mast looks left.
    assert at(tree.between("base", "camera", NOW), 0, 0, 0) == [1, 3, 2]
    assert at(tree.between("camera", "base", NOW), 1, 3, 2) == [0, 0, 0]
    assert at(tree.between("lidar", "camera", NOW), 1, 0, 0) == [1, 4, 1]
    assert at(tree.between("camera", "lidar", NOW), 1, 4, 1) == [1, 0, 0]
    assert at(tree.between("base", "base", NOW), 1, 2, 3) == [1, 2, 3]


def test_the_newest_word_of_a_frame_holds_also_where_it_has_another_parent() -> None:
    tree = tree_of(said("base", "camera", (1, 0, 0)), said("base", "arm", (0, 5, 0)))
    tree.take([said("arm", "camera", (2, 0, 0))], None)
    assert at(tree.between("base", "camera", NOW), 0, 0, 0) == [2, 5, 0]


def test_a_leading_slash_is_none() -> None:
    assert at(tree_of(said("/base", "/camera", (1, 0, 0))).between("base", "/camera", NOW), 0, 0, 0) == [1, 0, 0]


def test_frames_that_are_not_connected_have_no_transform() -> None:
    tree = tree_of(said("base", "camera", (0, 0, 1)))
    for target, source in (("map", "camera"), ("base", "lidar"), ("camera", "lidar")):
        with pytest.raises(InputError, match=f"tf does not connect '{source}' with '{target}'"):
            tree.between(target, source, NOW)


def test_what_is_said_again_and_again_is_believed_for_a_while_and_what_is_static_for_ever() -> None:
    tree = tree_of(said("base", "mast", (0, 0, 1)))
    tree.take([said("mast", "camera", (0, 0, 1))], NOW)
    assert at(tree.between("base", "camera", NOW + 100 * MS), 0, 0, 0) == [0, 0, 2]
    with pytest.raises(InputError, match="tf has not said for 101 ms where 'camera' is in 'mast'"):
        tree.between("base", "camera", NOW + 101 * MS)
    assert at(tree.between("base", "mast", NOW + 10**15), 0, 0, 0) == [0, 0, 1]


def test_what_is_not_on_the_way_may_be_silent() -> None:
    """The camera stands still on the vehicle; where that is in the world has stopped being said."""
    tree = tree_of(said("base", "camera", (1, 0, 2)), said("base", "lidar", (0, 0, 1)))
    tree.take([said("odom", "base", (9, 9, 9))], NOW)
    for now in (NOW, NOW + 101 * MS):
        assert at(tree.between("base", "camera", now), 0, 0, 0) == [1, 0, 2]
        assert at(tree.between("camera", "base", now), 1, 0, 2) == [0, 0, 0]
        assert at(tree.between("lidar", "camera", now), 0, 0, 0) == [1, 0, 1]
    with pytest.raises(InputError, match="tf has not said for 101 ms where 'base' is in 'odom'"):
        tree.between("odom", "camera", NOW + 101 * MS)


def test_frames_in_a_ring_are_no_tree() -> None:
    tree = tree_of(said("a", "b", (0, 0, 0)), said("b", "c", (0, 0, 0)), said("c", "a", (0, 0, 0)))
    tree.take([said("a", "base", (0, 0, 0)), said("base", "camera", (1, 0, 2))], None)
    for target, source in (("a", "c"), ("a", "base"), ("camera", "b"), ("a", "a")):
        with pytest.raises(InputError, match="ring"):
            tree.between(target, source, NOW)
    assert at(tree.between("base", "camera", NOW), 0, 0, 0) == [1, 0, 2]  # the ring is above both


@pytest.mark.parametrize(
    "wrong",
    [
        said("base", "camera", (0, 0, float("nan"))),
        said("base", "camera", (float("inf"), 0, 0)),
        said("base", "camera", (0, 0, 1), (0, 0, 0, 0)),
        said("base", "camera", (0, 0, 1), (0, 0, 0, 2)),
        said("base", "camera", (0, 0, 1), (0, 0, float("nan"), 1)),
        said("camera", "camera", (0, 0, 1)),
        said("", "camera", (0, 0, 1)),
    ],
)
def test_a_transform_that_cannot_be_ends_what_was_known_of_its_frame(wrong: Any) -> None:
    tree = tree_of(said("base", "camera", (0, 0, 1)), said("base", "lidar", (0, 0, 2)))
    tree.take([wrong], None)
    with pytest.raises(InputError, match=r"does not connect 'camera' with 'base'; 'camera' in '.*': .*, expected"):
        tree.between("base", "camera", NOW)
    assert at(tree.between("base", "lidar", NOW), 0, 0, 0) == [0, 0, 2]
    # It is told of what it concerns, and until that frame is heard right.
    for target, source in (("base", "radar"), ("lidar", "map")):
        with pytest.raises(InputError) as told:
            tree.between(target, source, NOW)
        assert "camera" not in str(told.value)
    tree.take([said("mast", "camera", (0, 0, 1))], None)
    with pytest.raises(InputError) as told:
        tree.between("base", "camera", NOW)
    assert str(told.value) == "tf does not connect 'camera' with 'base'"


def test_memory_is_bounded() -> None:
    tree = tree_of(*(said("base", f"frame_{i}", (0, 0, i)) for i in range(MOST_FRAMES)))
    tree.take([said("base", "one_more", (0, 0, 0)), said("base", "frame_7", (0, 0, -1))], None)
    with pytest.raises(InputError, match=f"at most {MOST_FRAMES}"):
        tree.between("base", "one_more", NOW)
    tree.take([said("base", f"another_{i}", (0, 0, 0)) for i in range(2 * MOST_FRAMES)], None)
    with pytest.raises(InputError, match=r"with 'base'$"):
        tree.between("base", f"another_{2 * MOST_FRAMES - 1}", NOW)
    assert at(tree.between("base", "frame_7", NOW), 0, 0, 0) == [0, 0, -1]
