# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far two networks disagree on an image: those of a pair, whose graph says it, or a bundle and a second one."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from trustseg.backends import select_backend
from trustseg.bundle.card import VOID_LABEL
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import InputError
from trustseg.imaging.resize import nearest
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.types import Frame, PerceptionResult, UInt8Array
from trustseg_lab.metrics.confusion import ConfusionMatrix, confusion_counts
from trustseg_lab.network.feature_names import PRESENT_SHARE
from trustseg_lab.replay.job import ReplayOptions

AGREEMENT = "agreement_iou"  # of the features of a graph that holds a pair of networks


class Disagreement(Protocol):
    """What tells how far two networks disagree, 0 to 1; NaN where it cannot be told."""

    def __call__(self, frame: Frame, result: PerceptionResult) -> float:
        """Of one frame, and what the bundle says of it."""

    def close(self) -> None:
        """Let go of what it holds."""


def mask_disagreement(one: UInt8Array, other: UInt8Array, classes: int) -> float:
    """1 - mean IoU of two masks over the classes that fill `PRESENT_SHARE` of one of them, as a pair's graph has it.

    Args:
        one, other: uint8 (h, w) of one size; what either leaves void is not compared. classes: C.

    Returns:
        0 to 1; NaN where nothing can be compared.
    """
    seen = (one != VOID_LABEL) & (other != VOID_LABEL)
    counts = confusion_counts(one[seen], other[seen], classes, None)
    share = np.maximum(counts.sum(axis=1), counts[:, :classes].sum(axis=0)) / max(int(counts.sum()), 1)
    present = share >= PRESENT_SHARE
    iou = ConfusionMatrix(classes, counts).class_iou()[present]
    return 1.0 - float(iou.mean()) if iou.size else float("nan")


class OfPair:
    """The bundle's own two networks: one pass of its graph tells it."""

    def __init__(self, feature: int) -> None:
        self._feature = feature

    def __call__(self, frame: Frame, result: PerceptionResult) -> float:
        """See `Disagreement`."""
        return 1.0 - float(result.features[self._feature])

    def close(self) -> None:
        """Nothing is held."""


class OfSecond:
    """A second bundle: one pass of its engine a frame. Masks are compared at the size of the first one."""

    def __init__(self, second: Pipeline) -> None:
        self._second, self._classes = second, len(second.card.classes)

    def __call__(self, frame: Frame, result: PerceptionResult) -> float:
        """See `Disagreement`; BackendError where the second engine fails."""
        size = (result.labels.shape[0], result.labels.shape[1])
        return mask_disagreement(result.labels, nearest(self._second.process(frame).labels, size), self._classes)

    def close(self) -> None:
        """Close the second engine."""
        self._second.close()


def check_against(bundle: Bundle, against: str, precision: str) -> Bundle | None:
    """The second bundle, or None where none is named; loaded and compared before anything else is done.

    Raises:
        InputError: it has other classes, or is the same network.
        BundleError: it cannot be used.
    """
    if not against:
        return None
    second = load_bundle(against)
    own, names = ([each.name for each in which.card.classes] for which in (bundle, second))
    if names != own:
        raise InputError(
            f"bundle {second.card.name} of --against has other classes than {bundle.card.name}",
            expected=", ".join(own), got=", ".join(names), fix="give a network of the same classes in the same order",
        )  # fmt: skip
    if second.model(precision).sha256 == bundle.model(precision).sha256:
        raise InputError(
            f"--against {second.card.name} is the same network as {bundle.card.name}", fix="give another one"
        )
    return second


def says_it_itself(bundle: Bundle) -> bool:
    """Whether the bundle's graph holds a pair of networks and tells how far they agree."""
    return AGREEMENT in bundle.card.feature_names


def disagreement_of(
    bundle: Bundle, second: Bundle | None, options: ReplayOptions, config: PipelineConfig
) -> Disagreement:
    """By the second bundle where there is one, else by the bundle's own pair.

    Args:
        bundle: holds a pair, if there is no second. second: of `check_against`. options: engine, as for the first;
            without a backend the card's own. config: of the second's pipeline.

    Raises:
        BundleError, BackendError: the second engine cannot be used.
    """
    if second is None:
        return OfPair(bundle.card.feature_names.index(AGREEMENT))
    name = options.backend or second.card.default_backend
    backend = select_backend(name, second, options.precision, options.threads)
    return OfSecond(Pipeline(second, backend, config=config))
