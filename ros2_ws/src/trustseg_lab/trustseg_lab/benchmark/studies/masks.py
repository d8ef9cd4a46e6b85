# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Studies of masks: how segmentation fails, boundary quality, free space, and a fleet's statistics."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array
from trustseg_lab.benchmark.methods.several_passes import class_mean
from trustseg_lab.benchmark.passes.runner import MEMBERS
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import OWN_MASK, Collected
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.images.image_verdicts import correlation
from trustseg_lab.metrics.score_histogram import Floats

NEAR = 3.0  # lattice pixels from a boundary of the truth that count as along it; tolerance of the surface Dice
PERCENTILE = 95.0
SECOND_MASK, VERIFIED_MASK = "resegmented_mask", "sesv_mask"
BOUNDARY_FIGURES = ("hd95", "surface_dice", "rms")


def boundary(member: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Pixels of a mask with a neighbour outside of it; the image's border is no boundary."""
    inner = cv2.erode(member.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return np.asarray(member & (inner == 0), bool)


def boundary_metrics(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Hausdorff distance at 95 %, surface Dice at `NEAR`, and root mean square distance of two masks' boundaries,
    pixels; NaN where one has no boundary."""
    edge_a, edge_b = boundary(a), boundary(b)
    if not edge_a.any() or not edge_b.any():
        return float("nan"), float("nan"), float("nan")
    to_a, to_b = (cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
                  for edge in (edge_a, edge_b))  # fmt: skip
    one, other = to_b[edge_a], to_a[edge_b]
    hausdorff = max(float(np.percentile(one, PERCENTILE)), float(np.percentile(other, PERCENTILE)))
    both = np.concatenate([one, other])
    return hausdorff, float((both <= NEAR).mean()), float(np.sqrt((both**2).mean()))


class BoundaryQuality:
    """Boundary figures of every class, and whether the class's confidence says them (Pandey: it does not)."""

    name, needs = "boundary_quality", frozenset[str]()

    def __init__(self) -> None:
        self._rows: list[tuple[str, int, Floats, float]] = []

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        confidence = class_mean(sample.fused, sample.labels, len(sample.card.classes))
        mask = np.where(sample.truth.known, sample.labels, 255).astype(np.uint8)
        truth = np.where(sample.truth.known, sample.truth.labels, 255).astype(np.uint8)
        for each in np.intersect1d(np.unique(mask), np.unique(truth)):
            if each < len(confidence):
                figures = np.array(boundary_metrics(mask == each, truth == each))
                self._rows.append((sample.meta.group, int(each), figures, float(confidence[each])))

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group in found.groups():
            own = [row for row in self._rows if row[0] == group and np.isfinite(row[2]).all()]
            if len(own) < 3:
                continue
            figures, sure = np.stack([row[2] for row in own]), np.array([row[3] for row in own])
            told = [correlation(sure, figures[:, place], ranks=True) for place in range(3)]
            rows.append([group, len(own), *figures.mean(axis=0).tolist(), *told])
        heads = (
            "set",
            "classes of views",
            *BOUNDARY_FIGURES,
            *(f"Spearman of confidence, {n}" for n in BOUNDARY_FIGURES),
        )
        hint = "Distances in lattice pixels. A surface Dice rises with quality, the other two fall."
        return Answer("Boundary quality", hint, heads, rows)


class Failures:
    """How segmentation fails: share of the errors by class, along boundaries or inside, and how much two networks
    err in the same places (Jaccard of their errors), where there are two."""

    name, needs = "failures", frozenset[str]()

    def __init__(self, *, members: bool = False) -> None:
        self._members = members
        self._by_class: dict[str, Floats] = {}
        self._near: dict[str, Floats] = {}
        self._common: dict[str, Floats] = {}
        self._names: list[str] = []

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        self._names = [each.name for each in sample.card.classes]
        known, truth, group = sample.truth.known, sample.truth.labels, sample.meta.group
        wrong = known & ~sample.right
        count = len(self._names)
        by_class = np.stack([np.bincount(truth[where], minlength=count)[:count] for where in (wrong, known)])
        edge = cv2.morphologyEx(truth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        near = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5) <= NEAR
        sums = np.array([float(where.sum()) for where in (wrong & near, wrong, known & near, known)])
        self._by_class[group] = self._by_class.get(group, 0) + by_class.astype(np.float64)
        self._near[group] = self._near.get(group, 0) + sums
        for other in sample.passes(MEMBERS).masks[1:] if self._members else ():
            also = known & (other != truth)
            both = np.array([float((wrong & also).sum()), float((wrong | also).sum())])
            self._common[group] = self._common.get(group, 0) + both

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group, (wrong, pixels) in self._by_class.items():
            near_wrong, all_wrong, near, everything = np.maximum(self._near[group], 1)
            common = self._common.get(group)
            shared = float(common[0] / common[1]) if common is not None and common[1] else None
            share, along = float(all_wrong / everything), float(near_wrong / all_wrong)
            rows.append([group, "all", share, 1.0, along, float(near / everything), shared])
            for place, name in enumerate(self._names):
                if pixels[place]:
                    own = float(wrong[place] / pixels[place])
                    rows.append([group, name, own, float(wrong[place] / all_wrong), None, None, None])
        heads = ("set", "class", "share wrong", "of all errors", "errors along boundaries", "pixels along boundaries",
                 "errors common to two networks")  # fmt: skip
        return Answer("How segmentation fails", f"Along a boundary: within {NEAR:g} lattice pixels.", heads, rows)


class CommonFailures(Failures):
    """`Failures` with a second network beside the first."""

    name, needs = "common_failures", frozenset({MEMBERS})

    def __init__(self) -> None:
        super().__init__(members=True)


def free_space(labels: UInt8Array, road: int) -> Floats:
    """Share of each column's height, from the bottom up, that is road without a break, float64 (w,)."""
    free = (labels == road)[::-1]
    blocked = ~free
    first = np.where(blocked.any(axis=0), blocked.argmax(axis=0), len(free))
    return np.asarray(first / len(free), np.float64)


class Downstream:
    """Free space in front of the car as a planner would measure it: its error over views that a quality gate keeps,
    worst views dropped first by the verdict, against dropping at random (Moradi et al.)."""

    name, needs = "downstream", frozenset({"shipped"})

    def __init__(self) -> None:
        self._error: dict[int, float] = {}

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        road = next((place for place, each in enumerate(sample.card.classes) if each.name == "road"), None)
        if road is not None:
            truth = np.where(sample.truth.known, sample.truth.labels, sample.labels).astype(np.uint8)
            gap = np.abs(free_space(sample.labels, road) - free_space(truth, road))
            self._error[index] = float(gap.mean())

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        score = found.images.get("verdict")
        for group in found.groups():
            places = [each for each in found.rows(group) if each in self._error]
            if score is None or not places:
                continue
            error = np.array([self._error[each] for each in places])
            order = np.argsort(-score[places], kind="stable")
            kept = [float(error[order[: max(1, round(share * len(error)))]].mean()) for share in (0.5, 0.8, 1.0)]
            rows.append([group, *kept])
        heads = ("set", "error, surest half", "error, surest 80 %", "error, all views")
        return Answer("Downstream: free space", "Mean error of the free share of a column.", heads, rows)


class Fleet:
    """Class areas over many views, plain and weighted by the class's own certainty, against the truth (QuickNAT's
    group analysis)."""

    name, needs = "fleet", frozenset[str]()

    def __init__(self) -> None:
        self._rows: dict[str, list[Floats]] = {}
        self._names: list[str] = []

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        self._names = [each.name for each in sample.card.classes]
        classes = len(self._names)
        known = sample.truth.known
        size = max(int(known.sum()), 1)
        told = np.bincount(sample.labels[known], minlength=classes)[:classes] / size
        real = np.bincount(sample.truth.labels[known], minlength=classes)[:classes] / size
        certain = np.nan_to_num(class_mean(sample.fused, sample.labels, classes))
        self._rows.setdefault(sample.meta.group, []).append(np.stack([told, real, certain]))

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group, views in self._rows.items():
            told, real, certain = np.stack(views).transpose(1, 0, 2)
            plain = np.abs(told.mean(axis=0) - real.mean(axis=0))
            weighted = weighted_mean(told, certain)
            rows.append(
                [group, len(views), float(plain.mean()), float(np.nanmean(np.abs(weighted - real.mean(axis=0))))]
            )
        heads = ("set", "views", "error of the mean area", "weighted by certainty")
        return Answer("Statistics over a fleet", "Mean over the classes of |area told - area real|.", heads, rows)


def weighted_mean(values: Floats, weight: Floats) -> Floats:
    """Mean over rows (n, C) by weights (n, C), float64 (C,); NaN without any weight."""
    total = weight.sum(axis=0)
    found = np.divide((values * weight).sum(axis=0), total, out=np.full(total.shape, np.nan), where=total > 0)
    return np.asarray(found, np.float64)


class Masks:
    """Other masks than the network's own: mIoU, accuracy, and accuracy where the network is least sure."""

    name, needs = "masks", frozenset[str]()

    def look(self, index: int, sample: Sample) -> None:
        """Nothing: the masks are counted as they are read."""

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for (name, group), tally in found.masks.items():
            own = found.masks[(OWN_MASK, group)].confusion.miou()
            share = tally.flagged_right / tally.flagged if tally.flagged else float("nan")
            miou = tally.confusion.miou()
            rows.append([group, name, miou, miou - own, tally.confusion.accuracy(), share])
        heads = ("set", "mask", "mIoU", "gain", "accuracy", "accuracy of the least sure tenth")
        return Answer("Masks of methods that segment anew", "On the lattice; least sure: by the fused confidence.",
                      heads, rows)  # fmt: skip


class Verification:
    """SESV's verifier: how many of the second segmentation's changes it accepts, and of those that mend or spoil. One
    that chose at random would accept the same share of all three."""

    name, needs = "verification", frozenset[str]()

    def look(self, index: int, sample: Sample) -> None:
        """Nothing: the masks are counted as they are read."""

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for group in found.groups():
            own, every, verified = (found.masks.get((name, group)) for name in (OWN_MASK, SECOND_MASK, VERIFIED_MASK))
            if own is None or every is None or verified is None:
                continue
            shares = [
                part / whole if whole else None
                for part, whole in ((verified.changed, every.changed), (verified.mended, every.mended),
                                    (verified.spoiled, every.spoiled))
            ]  # fmt: skip
            before = own.confusion.miou()
            changed = every.changed / max(every.confusion.labelled, 1)
            gains = [each.confusion.miou() - before for each in (every, verified)]
            rows.append([group, changed, *shares, *gains])
        heads = ("set", "pixels changed", "changes accepted", "of those that mend", "of those that spoil",
                 "gain of mIoU with all", "with those accepted")  # fmt: skip
        return Answer("Verified second segmentation", "Shares of pixels.", heads, rows)
