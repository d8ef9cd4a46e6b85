# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of a rig's cameras, and those of them that a planner needs."""

from __future__ import annotations

import pytest

from trustseg.errors import InputError
from trustseg_ros.common.camera_names import camera_names, required_names

RIG = ("front", "left", "car/rear_2")


def test_names_keep_their_order_and_lose_blanks_and_outer_slashes() -> None:
    assert camera_names(" front,left , /car/rear_2/") == RIG
    assert camera_names("front") == ("front",)
    assert camera_names("X,X_left/X") == ("X", "X_left/X")
    assert camera_names(",".join(f"c{i}" for i in range(16)))[15] == "c15"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "front,",
        "front,,left",
        "front,front",
        "front,/front",
        "2nd",
        "a b",
        "a//b",
        "sch\u00f6n",
        "~/a",
        "a-b",
    ],
)
def test_what_no_namespace_can_be_called_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        camera_names(text)
    expected = "1 to 16 different names with commas, each a namespace (front,left,car/rear)"
    assert str(refused.value) == f"names of cameras, expected {expected}, got {text!r}"


def test_more_than_sixteen_are_refused() -> None:
    with pytest.raises(InputError, match="1 to 16"):
        camera_names(",".join(f"c{i}" for i in range(17)))


def test_all_are_required_unless_some_are_named() -> None:
    assert required_names("", RIG) == RIG
    assert required_names("  ", RIG) == RIG
    assert required_names("car/rear_2, front", RIG) == ("front", "car/rear_2")


def test_an_unknown_required_camera_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(InputError) as refused:
        required_names("front,rear", RIG)
    text = "a required camera is unknown, expected one of front, left, car/rear_2, got 'rear'"
    assert str(refused.value) == text
    with pytest.raises(InputError, match="1 to 16"):
        required_names("front,,left", RIG)
