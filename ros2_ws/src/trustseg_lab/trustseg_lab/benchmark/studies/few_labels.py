# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Studies of the small networks: what images without labels add (rows 44 and 45), and self-training (row 69).

The networks were taught beforehand (`few_labels.recipe`) and come with their weights; here they segment the views.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from pathlib import Path

from trustseg.install_hint import pip_install
from trustseg_lab.benchmark.few_labels import stored_networks as stored
from trustseg_lab.benchmark.few_labels.stored_networks import SELF_TRAINED, WITH_FEW_LABELS, network, path_of
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.confusion import ConfusionMatrix

RECIPE = "python -m trustseg_lab.benchmark.few_labels.recipe"


class _SmallNetworks:
    """mIoU of every network in `what` on every set, and the gain over the first of them.

    Attributes:
        what: name of a network -> what it was taught by. told: key of the recipe's own figure, and its head.
        folder: of the networks; None: beside the bundles.
    """

    name: str
    title: str
    what: dict[str, str]
    told: tuple[str, str]
    folder: Path | None = None
    needs = frozenset[str]()

    def __init__(self) -> None:
        self._why = ""
        self._counts: dict[tuple[str, str], ConfusionMatrix] = {}

    @cached_property
    def _paths(self) -> dict[str, Path]:
        """Files of the networks; empty where one is missing, `_why` then says which."""
        if importlib.util.find_spec("torch") is None:
            self._why = f"no PyTorch is installed: {pip_install('trustseg_lab', 'train')}"
            return {}
        found = {name: path_of(name, self.folder) for name in self.what}
        missing = [name for name, path in found.items() if path is None]
        if missing:
            self._why = f"no {stored.FOLDER}/{missing[0]}.safetensors beside the bundles: teach it, {RECIPE} --help"
            return {}
        return {name: path for name, path in found.items() if path is not None}

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        own = [each.name for each in sample.card.classes]
        for name, path in self._paths.items():
            small = network(path)
            if small.classes != own:
                self._why = "the small networks are of other classes than the bundle: " + ", ".join(small.classes)
                return
            mask = small.labels(sample.image, (sample.labels.shape[0], sample.labels.shape[1]))
            counts = self._counts.setdefault((sample.meta.group, name), ConfusionMatrix(len(own)))
            counts.update(sample.truth.labels, mask, sample.meta.left_out)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        key, head = self.told
        rows: list[list[object]] = []
        for group in found.groups():
            first = next(iter(self.what))
            for name, taught in self.what.items():
                if (counts := self._counts.get((group, name))) is None:
                    continue
                gain = counts.miou() - self._counts[(group, first)].miou()
                said = network(self._paths[name]).told["few_labels"].get(key)
                rows.append([group, taught, counts.miou(), gain, counts.accuracy(), said])
        if not rows:
            found.left_out[self.name] = self._why or "no view"
        heads = ("set", "taught by", "mIoU", "gain", "accuracy", head)
        hint = "Small networks (0.11 M parameters, 96x128 pixels), one seed: read them beside each other only."
        return Answer(self.title, hint + (f" Left out: {self._why}." if not rows else ""), heads, rows)


class FewLabels(_SmallNetworks):
    """Labels of every tenth image, the other images without any: mutual learning (44), discriminators (45)."""

    name, title, what = "few_labels", "Few labels, many images", WITH_FEW_LABELS
    told = ("labels_taken", "share of places labelled")


class SelfTraining(_SmallNetworks):
    """A network that learned in one place goes on with its own labels of another, chosen by a confidence (69)."""

    name, title, what = "self_training", "Self-training in another place", SELF_TRAINED
    told = ("chosen_right", "share of chosen labels that are right")
