# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tries a network on labelled images in every usual order of colours and normalisation: a wrong guess of either, or of
the order of the classes, is seen before anything is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
import onnxruntime

from trustseg.bundle.card import Corridor
from trustseg.camera.geometry import Places, placed, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.data.labelled_images import LabelledImage
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.wrap.find_input import Normalisation
from trustseg_lab.wrap.graph.assemble import assemble
from trustseg_lab.wrap.network import INPUT, Network
from trustseg_lab.wrap.plain_graph import pruned

ORDERS = ("rgb", "bgr")
ZEROS, ONES = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Name -> (mean, std, scale), the mean and std in the order red, green, blue.
Three = tuple[float, float, float]
USUAL: dict[str, tuple[Three, Three, float]] = {
    "ImageNet": (IMAGENET_MEAN, IMAGENET_STD, 1 / 255),
    "0 to 1": (ZEROS, ONES, 1 / 255),
    "-1 to 1": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 1 / 255),
    "0 to 255": (ZEROS, ONES, 1.0),
    "0 to 255, ImageNet's mean off": ((123.675, 116.28, 103.53), ONES, 1.0),
}
BETTER = 0.02  # in accuracy: another guess that gains as much was the right one
MISTAKEN, LEAST_PIXELS = 0.5, 0.002  # of a class's pixels that another one takes; of all pixels, to speak of a class


@dataclass(frozen=True)
class Guess:
    """One normalisation and what comes of it: shares of labelled pixels, 0..1."""

    name: str
    normalisation: Normalisation
    confusion: ConfusionMatrix

    @property
    def accuracy(self) -> float:
        """Share of pixels that are right."""
        return self.confusion.accuracy()


@dataclass(frozen=True)
class Check:
    """All guesses, the given one first where there is one."""

    guesses: tuple[Guess, ...]
    images: int

    @property
    def best(self) -> Guess:
        """The one with the most right pixels."""
        return max(self.guesses, key=lambda guess: guess.accuracy)

    def problem(self) -> str:
        """What is wrong with the first guess, in one line; empty where nothing is better."""
        given, best = self.guesses[0], self.best
        if best.accuracy < given.accuracy + BETTER:
            return ""
        return (
            f"{100 * best.accuracy:.1f} % of the pixels are right with {options_of(best.normalisation)}, "
            f"{100 * given.accuracy:.1f} % with what was given"
        )


def options_of(normalisation: Normalisation) -> str:
    """The options that say it."""
    mean, std = (",".join(f"{each:g}" for each in told) for told in (normalisation.mean, normalisation.std))
    scale = "1/255" if abs(normalisation.scale * 255 - 1) < 1e-9 else f"{normalisation.scale:g}"
    return f"--mean {mean} --std {std} --scale {scale} --color-order {normalisation.color_order}"


def guesses_of(given: Normalisation | None, inside: bool) -> list[tuple[str, Normalisation]]:
    """Name and normalisation of all that is tried, `given` first; `inside`: the graph has its own, and only the size
    of the values is open."""
    found = [] if given is None else [("as given", given)]
    for order in ORDERS:
        for name, usual in USUAL.items():
            if not inside or name in ("0 to 1", "0 to 255"):
                found.append((f"{name}, {order}", in_colours(Normalisation(*usual, "rgb"), order)))
        if given is not None:
            found.append((f"as given, {order}", in_colours(given, order)))
            found.append((f"the same numbers, {order}", replace(given, color_order=order)))
    first = {each: name for name, each in reversed(found)}
    return [(name, each) for name, each in found if first[each] == name]


def in_colours(normalisation: Normalisation, order: str) -> Normalisation:
    """The same for a network that wants its channels in `order`."""
    if order == normalisation.color_order:
        return normalisation
    (a, b, c), (d, e, f) = normalisation.mean, normalisation.std
    return Normalisation((c, b, a), (f, e, d), normalisation.scale, order)


def check(
    network: Network, classes: int, guesses: Sequence[tuple[str, Normalisation]], images: Sequence[LabelledImage],
    void: int | None, step: Callable[[], None] = lambda: None,
) -> Check:  # fmt: skip
    """Run every guess on every image; `step` is called after each image."""
    model = assemble(network, classes, guesses[0][1], Corridor().polygon)
    session = _labels_of(pruned(model, ["labels"], [INPUT]), network)
    size, found = (network.input.height, network.input.width), [ConfusionMatrix(classes) for _ in guesses]
    places = Places(InputGeometry(), size)
    for image in images:
        picture, place = places.picture(image.image)
        taken = {order: shown(picture, place, "bgr", order) for order in ORDERS}
        for (_, normalisation), confusion in zip(guesses, found, strict=True):
            values = normalised(taken[normalisation.color_order], normalisation, network.input.layout)
            (labels,) = session.run(["labels"], {INPUT: values})
            confusion.update(image.labels, placed(labels[0], place, image.labels.shape[:2]), void)
        step()
    return Check(tuple(Guess(*guess, counts) for guess, counts in zip(guesses, found, strict=True)), len(images))


def normalised(image: UInt8Array, normalisation: Normalisation, layout: str) -> Float32Array:
    """What the network is given of `image`, uint8 (h, w, 3) in its order: float32 with a leading 1, in its layout."""
    mean, std = np.array(normalisation.mean), np.array(normalisation.std)
    values = ((image * normalisation.scale - mean) / std).astype(np.float32)[None]
    return values if layout == "nhwc" else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def mistaken(guess: Guess, names: Sequence[str]) -> list[str]:
    """Classes most of whose pixels are taken for one other, a line each: of a wrong order of classes there are many."""
    found = []
    for index, row in enumerate(guess.confusion.counts):
        total, other = int(row.sum()), int(np.argmax(row[:-1]))
        if total >= LEAST_PIXELS * guess.confusion.labelled and other != index and row[other] > MISTAKEN * total:
            found.append(f"{names[index]}: {100 * row[other] / total:.0f} % is taken for {names[other]}")
    return found


def _labels_of(model: onnx.ModelProto, network: Network) -> onnxruntime.InferenceSession:
    model.graph.ClearField("input")
    model.graph.input.append(onnx.helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, network.input.shape))
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
