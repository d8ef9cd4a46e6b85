# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start a run from the weights of another: as they are, in a deeper or narrower network, or for other classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from trustseg.errors import InputError
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.segnet import RARE, SegNet
from trustseg_lab.training import checkpoint
from trustseg_lab.training.start.deepen import can_deepen, deepen
from trustseg_lab.training.start.narrow import can_narrow, narrow


def start_from_checkpoint(network: SegNet, path: Path, classes: ClassList) -> None:
    """Load the weights of `path` into `network`, which is to tell `classes` apart, in place.

    A checkpoint of other classes gives everything but its last layer; of that, the rows of classes with the same name.

    Raises:
        InputError: no checkpoint, one of a pair of networks, or one of another shape.
    """
    state, meta = checkpoint.load_weights(path)
    if meta.get("fused"):  # a published checkpoint: its confidence head has no place here
        state = {name[8:]: value for name, value in state.items() if name.startswith("network.")}
    if "members" in meta["network"]:
        raise checkpoint.pair_instead(path)
    shape, listed = checkpoint.network_config(meta["network"]), ClassList.model_validate(meta["classes"])
    try:
        if [each.name for each in listed.classes] != [each.name for each in classes.classes]:
            state = for_classes(state, listed, network, classes)
            shape = replace(shape, classes=network.config.classes)
        if network.unknown is not None and not shape.unknown:  # a plane that is learned from nothing
            state["unknown.weight"] = torch.zeros(1, shape.decoded_width, 1, 1)
            state["unknown.bias"] = torch.full((1,), RARE)
            shape = replace(shape, unknown=True)
        if shape != network.config and can_deepen(shape, network.config):
            deepen(state, shape, network)
        elif can_narrow(shape, network.config):
            narrow(state, shape, network)
        else:
            network.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError) as error:  # ValueError: of another number of stages
        lines = str(error).splitlines() or [type(error).__name__]  # PyTorch's second says what, where there is one
        raise InputError(
            f"{path} does not fit the configured network", got=lines[:2][-1].strip(),
            fix="use the model section that it was trained with",
        ) from None  # fmt: skip


def for_classes(
    state: dict[str, Tensor], before: ClassList, network: SegNet, after: ClassList
) -> dict[str, Tensor]:  # fmt: skip
    """`state`, whose last layer tells the classes `before` apart, with that of `network` in its place; rows of classes
    with the same name are kept."""
    rows = {each.name: row for row, each in enumerate(before.classes)}
    changed = dict(state)
    for name, fresh in network.classifier.state_dict().items():
        old, new = state[f"classifier.{name}"], fresh.clone()
        for row, each in enumerate(after.classes):
            if each.name in rows and old.shape[1:] == new.shape[1:]:
                new[row] = old[rows[each.name]]
        changed[f"classifier.{name}"] = new
    return changed
