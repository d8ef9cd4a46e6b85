# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A wrong guess of normalisation, colours or the order of classes is seen on labelled images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bundle_factory import paint_scene
from foreign_networks import COLOURS, MEAN, NAMES, STD, Form, class_list, network
from trustseg_lab.data.labelled_images import LabelledImage, LabelledPaths
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.labelled_check import Guess, check, guesses_of, in_colours, mistaken, normalised, options_of
from trustseg_lab.wrap.network import Wanted, network_of

USUAL = Normalisation(MEAN, STD, 1 / 255, "rgb")
PATHS = LabelledPaths(Path("image"), Path("labels"))


def scene(seed: int) -> LabelledImage:
    image = paint_scene(96, 128, COLOURS, seed=seed)
    labels = ((image[:, :, None].astype(int) - np.array(COLOURS)) ** 2).sum(-1).argmin(-1).astype(np.uint8)
    return LabelledImage(PATHS, image[..., ::-1].copy(), labels)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_the_right_guess_does_best(layout: str, order: str) -> None:
    """In images of twice the network's size."""
    found = network_of(network(Form(bgr=order == "bgr", layout=layout)), class_list(), Wanted())
    checked = check(found, len(NAMES), guesses_of(None, inside=False), [scene(1), scene(2)], None)
    assert checked.best.name == f"ImageNet, {order}"
    assert checked.best.accuracy > 0.9
    told = in_colours(USUAL, "bgr" if order == "rgb" else "rgb")
    checked = check(found, len(NAMES), guesses_of(told, inside=False), [scene(1)], None)
    assert checked.guesses[0].name == "as given"
    assert f"--color-order {order}" in checked.problem()
    right = check(found, len(NAMES), guesses_of(in_colours(USUAL, order), inside=False), [scene(1)], None)
    assert right.problem() == ""


def test_no_guess_is_tried_twice() -> None:
    for given in (None, USUAL, in_colours(USUAL, "bgr"), Normalisation((0.1,) * 3, (1.0,) * 3, 1.0, "rgb")):
        tried = [each for _, each in guesses_of(given, inside=False)]
        assert len(tried) == len(set(tried))
        assert len(tried) == (10 if given is None else 11 if given.scale != 1.0 else 12)
    assert [name for name, _ in guesses_of(None, inside=True)] == [
        "0 to 1, rgb", "0 to 255, rgb", "0 to 1, bgr", "0 to 255, bgr"
    ]  # fmt: skip


def test_numbers_that_were_told_in_the_networks_own_order_are_tried_as_they_are() -> None:
    """Of a network of bgr, with the mean in its own order and --color-order forgotten."""
    own = Normalisation((0.1, 0.2, 0.3), (0.5, 0.6, 0.7), 1 / 255, "rgb")
    tried = {name: each for name, each in guesses_of(own, inside=False) if "numbers" in name or "as given" in name}
    assert tried == {
        "as given": own,
        "as given, bgr": Normalisation((0.3, 0.2, 0.1), (0.7, 0.6, 0.5), 1 / 255, "bgr"),
        "the same numbers, bgr": Normalisation((0.1, 0.2, 0.3), (0.5, 0.6, 0.7), 1 / 255, "bgr"),
    }


def test_what_the_network_is_given() -> None:
    """(51 / 255 - 0.1) / 0.5 = 0.2."""
    image = np.full((2, 4, 3), 51, np.uint8)
    told = Normalisation((0.1, 0.1, 0.1), (0.5, 0.5, 0.25), 1 / 255, "rgb")
    values = normalised(image, told, "nchw")
    assert (values.shape, values.dtype) == ((1, 3, 2, 4), np.float32)
    assert values[0, :, 0, 0] == pytest.approx([0.2, 0.2, 0.4])
    assert normalised(image, told, "nhwc").shape == (1, 2, 4, 3)
    assert options_of(told) == "--mean 0.1,0.1,0.1 --std 0.5,0.5,0.25 --scale 1/255 --color-order rgb"


def test_classes_in_another_order_are_named() -> None:
    counts = np.array([[10, 90, 0], [60, 40, 0], [0, 1, 0]])
    guess = Guess("as given", USUAL, ConfusionMatrix(2, counts[:2]))
    assert mistaken(guess, ["sky", "road"]) == ["sky: 90 % is taken for road", "road: 60 % is taken for sky"]
    rare = Guess("as given", USUAL, ConfusionMatrix(2, np.array([[9990, 0, 0], [10, 0, 0]])))
    assert mistaken(rare, ["sky", "road"]) == []  # ten pixels say nothing
