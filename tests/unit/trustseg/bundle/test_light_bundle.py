# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A bundle that stands in for another one: what a published number means does not change, and the two are not one."""

from __future__ import annotations

from typing import Any

import pytest

from bundle_factory import CLASSES, RED_AND_BLUE, make_tiny_bundle
from trustseg.bundle.light_bundle import check_light_bundle
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import BundleError


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("e") / "engines" / "heavy", pair=True))


def light(tmp_path: Any, **changes: Any) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path / "engines" / "light", **changes))


@pytest.mark.parametrize("changes", [{}, {"unknown": True}, {"channels": RED_AND_BLUE}])
def test_another_network_for_the_same_classes_and_images_may(
    pair: Bundle, tmp_path: Any, changes: dict[str, Any]
) -> None:
    check_light_bundle(pair, light(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": [*CLASSES[:-1], "rider"]}, "expected class 10 bicyclist, as bundle heavy, got class 10 rider; "),
        ({"classes": [CLASSES[1], CLASSES[0], *CLASSES[2:]]}, "expected class 0 sky, as bundle heavy, got class 0 bui"),
        ({"classes": CLASSES[:-1]}, "expected 11 classes, as bundle heavy, got 10 classes"),
        ({"height": 144}, "expected images of 72x96 rgb, 1 a call, as bundle heavy, got images of 144x96 rgb, 1 a c"),
    ],
)
def test_one_whose_labels_or_images_are_others_may_not(
    pair: Bundle, tmp_path: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(BundleError) as raised:
        check_light_bundle(pair, light(tmp_path, **changes))
    assert str(raised.value).startswith("light_bundle light, ")
    assert said in str(raised.value)


def test_the_order_of_the_channels_is_part_of_the_image(pair: Bundle, tmp_path: Any) -> None:
    """The checks of the camera look at what the network sees."""
    other = light(tmp_path)
    spec = other.card.input.model_copy(update={"color_order": "bgr"})
    object.__setattr__(other, "card", other.card.model_copy(update={"input": spec}))
    with pytest.raises(BundleError, match="got images of 72x96 bgr"):
        check_light_bundle(pair, other)


def test_a_bundle_does_not_stand_in_for_itself(pair: Bundle) -> None:
    with pytest.raises(BundleError, match="expected another network than bundle heavy, got the same graph"):
        check_light_bundle(pair, pair)
