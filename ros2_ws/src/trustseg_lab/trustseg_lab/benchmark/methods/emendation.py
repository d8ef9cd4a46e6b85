# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""SESV (Xie et al., 2020): predict the errors, segment again in their light, accept only what a verifier believes.

The error map is that of `networks.ErrorMap`; the second segmentation is a small U-Net that adds to the network's own
logits, at a sixth of the image's size; what it would change is parted into regions, and each is accepted where a
logistic regression says that it is more likely better than worse. Error map and second segmentation learn on every
second block, the verifier on the blocks between: there it meets changes as bad as they will be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.methods.networks import (
    BATCH,
    SIZE,
    error_network,
    inputs,
    learn_errors,
    mask_and_doubt,
    train,
    truth_mask,
)
from trustseg_lab.benchmark.reading import Level, Reading, Regions, Scale
from trustseg_lab.benchmark.rows.region_truth import components
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.evaluation.baselines.ensemble import softmax
from trustseg_lab.metrics.score_histogram import Floats

if TYPE_CHECKING:
    import torch

UNCHANGED = 255
ACCEPTED = 0.5
LEAST_HALF = BATCH // 4  # views of every second block


def small_logits(sample: Sample) -> npt.NDArray[np.floating]:
    """float32 (C, 60, 80): the network's logits, smaller."""
    return np.stack([cv2.resize(each, SIZE[::-1], interpolation=cv2.INTER_AREA) for each in sample.logits])


def changes(labels: UInt8Array, again: UInt8Array) -> Regions:
    """Connected parts in which `again` is of one class that `labels` is not; parts below 8 pixels are left alone."""
    found = components(np.where(labels == again, np.uint8(UNCHANGED), again).astype(np.uint8))
    kept = np.flatnonzero(found.class_of != UNCHANGED)
    place = np.full(found.count + 1, -1, np.int32)  # the last place is that of pixels outside of all
    place[kept] = np.arange(len(kept))
    return Regions(place[found.ids], found.class_of[kept])


def gains(regions: Regions, labels: UInt8Array, truth: UInt8Array, known: npt.NDArray[np.bool_]) -> Floats:
    """Pixels that each change mends less those that it spoils, over its labelled pixels, float64 (n,) in [-1, 1];
    NaN where nothing is labelled."""
    inside = (regions.ids >= 0) & known
    ids = regions.ids[inside]
    after = regions.class_of[ids] == truth[inside]
    before = labels[inside] == truth[inside]
    size = np.bincount(ids, minlength=regions.count)
    gained = np.bincount(ids, after.astype(np.float64) - before, minlength=regions.count)
    return np.asarray(np.divide(gained, size, out=np.full(regions.count, np.nan), where=size > 0), np.float64)


@dataclass(frozen=True)
class Proposal:
    """A second segmentation: logits float32 (C, h, w), and the predicted error, float32 (h, w) in [0, 1]."""

    logits: Float32Array
    errors: Float32Array

    @property
    def labels(self) -> UInt8Array:
        """uint8 (h, w)."""
        return np.asarray(self.logits.argmax(axis=0), np.uint8)


def change_metrics(regions: Regions, proposal: Proposal, sample: Sample) -> Floats:
    """float64 (n, 8): of each change log size, means of predicted error, entropy, fused confidence, MCP, the old and
    the new probability of its new class, and the new one of the class it leaves."""
    new = softmax(proposal.logits)
    old, signals = sample.softmax, sample.signals
    to = np.where(regions.ids >= 0, regions.class_of[np.maximum(regions.ids, 0)] if regions.count else 0, 0)
    at = to[None].astype(np.int64)
    own = np.minimum(sample.labels, len(old) - 1)[None].astype(np.int64)
    maps = [proposal.errors, signals.entropy, sample.fused, signals.mcp,
            *(np.take_along_axis(p, where, axis=0)[0] for p, where in ((old, at), (new, at), (new, own)))]  # fmt: skip
    columns = [np.log(np.maximum(regions.sizes(), 1)), *(regions.means(each).astype(np.float64) for each in maps)]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Emender:
    """The three learned parts: `errors` and `again` (networks), and `verifier` (of scikit-learn)."""

    errors: Any
    again: Any
    verifier: Any = None

    def propose(self, sample: Sample) -> Proposal:
        """The second segmentation of a view."""
        import torch

        row = sample.describe(mask_and_doubt)[None].astype(np.float64)
        small = sample.describe(small_logits)
        x = inputs(row, len(small), doubt=True, image=True)
        with torch.no_grad():
            errors = self.errors(torch.from_numpy(x)).sigmoid()
            added = self.again(torch.cat([seen(x, small[None]), errors], 1))[0].numpy()
        height, width = sample.labels.shape
        enlarged, error = (
            np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in planes])
            for planes in (added, errors[0].numpy())
        )
        return Proposal(sample.logits + enlarged, error[0])

    def verified(self, sample: Sample) -> UInt8Array:
        """The mask with those changes that are believed, uint8 (h, w)."""
        proposal = self.propose(sample)
        regions = changes(sample.labels, proposal.labels)
        if not regions.count:
            return sample.labels
        better = self.verifier.predict_proba(change_metrics(regions, proposal, sample))[:, 1] > ACCEPTED
        taken = np.append(better, False)[regions.ids]
        return np.where(taken, proposal.labels, sample.labels).astype(np.uint8)


def seen(x: Float32Array, logits: npt.NDArray[np.floating]) -> torch.Tensor:
    """What the second segmentation sees beside the error map: `inputs` and the softmax, (n, channels, 60, 80)."""
    import torch

    return torch.cat([torch.from_numpy(x), torch.from_numpy(np.asarray(logits, np.float32)).softmax(1)], 1)


def learn(rows: FitRows) -> Emender:
    """All three parts.

    Raises:
        Unfit: too few views or blocks, or only changes of one kind.
    """
    blocks = np.unique([each.block for each in rows.metas], return_inverse=True)[1] % 2
    if blocks.max() == 0:
        raise Unfit("a verifier learns on blocks that the second segmentation has not seen", got="one block")
    first = np.flatnonzero(blocks == 0)
    table = rows.table(mask_and_doubt)[first]
    errors = learn_errors(table, rows.classes, rows.seed, LEAST_HALF)
    again = _learn_again(table, rows, first, errors)
    emender = Emender(errors, again)
    figures, better = [], []
    for each in np.flatnonzero(blocks == 1):
        sample = rows.samples[int(each)]
        proposal = emender.propose(sample)
        regions = changes(sample.labels, proposal.labels)
        gained = gains(regions, sample.labels, sample.truth.labels, sample.truth.known)
        told = np.nonzero(np.nan_to_num(gained))[0]
        figures.append(change_metrics(regions, proposal, sample)[told])
        better.append(gained[told] > 0)
        sample.let_go()
    right = np.concatenate(better)
    if right.size == 0 or right.all() or not right.any():
        raise Unfit("a verifier learns from changes for the better and for the worse", got="one kind only")
    verifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    return replace(emender, verifier=verifier.fit(np.concatenate(figures), right))


def _learn_again(
    table: Floats, rows: FitRows, which: npt.NDArray[np.int64], errors: torch.nn.Module
) -> torch.nn.Module:  # fmt: skip
    """The second segmentation: what to add to the logits, for the least cross entropy."""
    import torch

    x = inputs(table, rows.classes, doubt=True, image=True)
    logits = torch.from_numpy(np.stack([rows.samples[int(each)].describe(small_logits) for each in which]))
    truth = torch.from_numpy(np.stack([rows.samples[int(each)].describe(truth_mask) for each in which])).long()
    truth = truth.masked_fill(truth >= rows.classes, -1)
    with torch.no_grad():
        told = torch.cat([errors(torch.from_numpy(x[at : at + BATCH])).sigmoid() for at in range(0, len(x), BATCH)])
    shown = torch.cat([seen(x, logits.numpy()), told], 1)
    torch.manual_seed(rows.seed)
    network = error_network(shown.shape[1], rows.classes)
    for each in list(network.parameters())[-2:]:  # of the last convolution: at first nothing is added
        torch.nn.init.zeros_(each)

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(
            logits[chosen] + network(shown[chosen]), truth[chosen], ignore_index=-1
        )

    return train(network, shown.numpy(), loss, rows.seed)


@dataclass(frozen=True)
class Emended:
    """The second segmentation, with every change or with those that are believed."""

    name: str
    verify: bool
    level: Level = Level.MASK
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (mask_and_doubt, truth_mask, small_logits)
    emender: Emender | None = None

    def fit(self, rows: FitRows) -> Emended:
        """See `Method`."""
        return replace(self, emender=rows.once("emender", lambda: learn(rows.at_most())))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.emender is None:
            raise Unfit(f"{self.name} was not fitted")
        return Reading.mask(self.emender.verified(sample) if self.verify else self.emender.propose(sample).labels)


METHODS: tuple[Method, ...] = (Emended("resegmented_mask", verify=False), Emended("sesv_mask", verify=True))
