# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which baselines run: all that can, or the ones that are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.backends import Backend
from trustseg.bundle.loading import Bundle
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg_lab.data.dataset_layout import LabelledSource
from trustseg_lab.data.labelled_images import LabelledPaths
from trustseg_lab.evaluation.baselines.ensemble import DeepEnsemble
from trustseg_lab.evaluation.baselines.mc_dropout import McDropout
from trustseg_lab.evaluation.baselines.network_weights import TorchNetwork, weights_of
from trustseg_lab.evaluation.baselines.scorer import PixelScorer
from trustseg_lab.evaluation.baselines.temperature import (
    TemperatureFit,
    TemperatureScorer,
    fit_temperature,
    sample_logits,
)
from trustseg_lab.evaluation.baselines.trust_score import fit_trust_score

# Of the softmax alone: they always run. The others need something beside the bundle.
FREE = ("mcp", "entropy", "margin", "variation_ratio", "thresholds")
COSTLY = ("temperature", "mc_dropout", "trust_score", "ensemble")
BASELINES = (*FREE, *COSTLY)
ALL = "all"
# Images that a temperature, or the training pixels of a Trust Score, are taken from, evenly spread over what is given.
FIT_IMAGES = 40


@dataclass(frozen=True)
class BaselineNeeds:
    """What the costly baselines are made from.

    Attributes:
        bundle, engine, threads, seed: of the evaluation. evaluated: its pairs, which nothing may be fitted on.
        fit_on: images for the temperature; None: the calibration file's is taken, where it has one.
        train_data: for the Trust Score.
        weights: checkpoint of the network; None: the one in the bundle's folder.
        passes, dropout: of MC dropout. members: of the ensemble.
        geometry: which part of each image the network sees, and how: what is fitted sees what is judged.
    """

    bundle: Bundle
    engine: Backend
    threads: int
    seed: int
    evaluated: list[LabelledPaths]
    fit_on: LabelledSource | None
    train_data: LabelledSource | None
    weights: Path | None
    passes: int
    dropout: float | None
    members: Sequence[tuple[Bundle, Backend]]
    precision: str = "fp32"
    geometry: InputGeometry = field(default_factory=InputGeometry)
    network: list[TorchNetwork] = field(default_factory=list)

    def torch_network(self) -> TorchNetwork:
        """The PyTorch network, loaded once; InputError where there are no weights."""
        if not self.network:
            path = weights_of(self.bundle, self.weights)
            self.network.append(TorchNetwork(self.bundle, path, self.threads))
        return self.network[0]


@dataclass(frozen=True)
class ChosenBaselines:
    """Scorers that run, their settings by name, and why others do not."""

    scorers: list[PixelScorer]
    settings: dict[str, Any]
    left_out: dict[str, str]


def parse_baselines(text: str) -> tuple[str, ...]:
    """`all` or a list with commas as names of `BASELINES`, in their order; () for an empty text.

    Raises:
        InputError: an unknown name.
    """
    names = [word.strip() for word in text.split(",")] if text else []
    for name in names:
        if name not in (ALL, *BASELINES):
            raise InputError("no such baseline", expected=", ".join((ALL, *BASELINES)), got=repr(name))
    return tuple(name for name in BASELINES if ALL in names or name in names)


def make_baselines(
    names: Sequence[str], needs: BaselineNeeds, *, must: bool, on_start: Callable[[str], None] = lambda _: None
) -> ChosenBaselines:
    """Make the baselines of `names` that need making.

    Args:
        must: each was asked for by name: one that cannot run is an error; else it is left out, and why is told.
        on_start: called with the name of each before it is made.

    Raises:
        InputError: one that must run cannot; or a source of images does not fit.
    """
    makers: dict[str, Callable[[BaselineNeeds], PixelScorer]] = {
        "temperature": _temperature, "mc_dropout": _mc_dropout, "trust_score": _trust_score, "ensemble": _ensemble,
    }  # fmt: skip
    found = ChosenBaselines([], {}, {})
    for name in (each for each in names if each in makers):
        on_start(name)
        try:
            scorer = makers[name](needs)
        except MissingNeed as error:
            if must:
                raise
            found.left_out[name] = str(error)
            continue
        found.scorers.append(scorer)
        found.settings[name] = scorer.settings
    return found


class MissingNeed(InputError):
    """A baseline lacks something that only some evaluations have: data to fit on, weights, other bundles."""


def _temperature(needs: BaselineNeeds) -> PixelScorer:
    stored = _stored_temperature(needs)
    if needs.fit_on is None and stored is not None:
        return TemperatureScorer(stored, "what `trustseg calibrate --temperature` saw")
    pairs, source = _pairs(needs, needs.fit_on, "temperature", "--fit-on")
    card = needs.bundle.card
    sample = sample_logits(needs.engine, pairs, card.size, card.input.color_order, source.void, needs.geometry)
    return TemperatureScorer(fit_temperature(sample), source.name)


def _stored_temperature(needs: BaselineNeeds) -> TemperatureFit | None:
    """The temperature that the bundle's calibration file tells of; None where it tells of none."""
    if needs.precision not in needs.bundle.card.calibration:
        return None
    told = needs.bundle.calibration(needs.precision).provenance.get("temperature")
    if not isinstance(told, dict):
        return None
    return TemperatureFit(**{each.name: told[each.name] for each in fields(TemperatureFit)})


def _mc_dropout(needs: BaselineNeeds) -> PixelScorer:
    return McDropout(_network(needs), needs.passes, needs.dropout, needs.seed)


def _trust_score(needs: BaselineNeeds) -> PixelScorer:
    pairs, source = _pairs(needs, needs.train_data, "trust_score", "--train-data")
    card = needs.bundle.card
    return fit_trust_score(
        _network(needs), pairs, card.size, card.input.color_order, len(card.classes), source.void, needs.seed,
        source.name, needs.geometry,
    )  # fmt: skip


def _ensemble(needs: BaselineNeeds) -> PixelScorer:
    if not needs.members:
        raise MissingNeed("baseline ensemble has no other bundle", fix="name them with --ensemble")
    return DeepEnsemble(needs.bundle, needs.members)


def _network(needs: BaselineNeeds) -> TorchNetwork:
    try:
        return needs.torch_network()
    except InputError as error:
        raise MissingNeed(error.what, expected=error.expected, got=error.got, fix=error.fix) from error


def _pairs(
    needs: BaselineNeeds, source: LabelledSource | None, name: str, option: str
) -> tuple[list[LabelledPaths], LabelledSource]:
    """`FIT_IMAGES` pairs of `source`, evenly spread; none of them is evaluated."""
    if source is None:
        raise MissingNeed(f"baseline {name} has no images to fit on", fix=f"give {option} IMAGES:LABELS[:VOID]")
    pairs = source.pairs()
    evaluated = {pair.image.resolve() for pair in needs.evaluated}
    shared = [pair.image for pair in pairs if pair.image.resolve() in evaluated]
    if shared:
        raise InputError(
            f"baseline {name} would be fitted on what is evaluated: {shared[0]}", fix=f"give another {option}"
        )
    count = min(FIT_IMAGES, len(pairs))
    return [pairs[int(i)] for i in np.linspace(0, len(pairs) - 1, count)], source
