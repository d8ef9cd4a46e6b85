# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Makes a pair of two trained networks, from their checkpoints or bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trustseg.bundle.loading import load_bundle
from trustseg.bundle.writer import WEIGHTS_FILE
from trustseg.errors import BundleError, InputError
from trustseg_lab.data.class_list import ClassEntry, ClassList
from trustseg_lab.network.pair import SegNetPair
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.training import checkpoint
from trustseg_lab.training.start.graph_weights import network_of_graph


def load_pair(first: str, second: str) -> tuple[SegNetPair, ClassList, dict[str, Any]]:
    """Both networks as one, in evaluation mode; the classes; what a checkpoint of the pair says of itself.

    Raises:
        InputError: one of them is neither a checkpoint nor a bundle of one network, or their classes differ.
    """
    one, classes, meta = load_member(first)
    other, theirs, their_meta = load_member(second)
    names, their_names = ([each.name for each in listed.classes] for listed in (classes, theirs))
    if names != their_names:
        raise InputError(
            f"{second} is of other classes than {first}", expected=", ".join(names)[:200],
            got=", ".join(their_names)[:200], fix="pair networks of the same classes",
        )  # fmt: skip
    pair = SegNetPair(one, other).eval()
    told = {"seed": meta.get("seed", 0), "members": [_of(meta), _of(their_meta)]}
    return pair, classes, checkpoint.describe(pair.config, classes, **told)


def load_member(where: str) -> tuple[SegNet, ClassList, dict[str, Any]]:
    """One network in evaluation mode, its classes and description; of a fused checkpoint the network alone.

    `where` is a checkpoint (.safetensors), or a bundle's folder or name.
    """
    path = Path(where)
    if path.suffix == ".safetensors":
        return _of_checkpoint(path)
    try:
        bundle = load_bundle(where, draft=True)
    except BundleError as error:
        raise InputError(f"{where} is neither a checkpoint (.safetensors) nor a bundle", got=str(error)) from None
    if (bundle.path / WEIGHTS_FILE).is_file():
        return _of_checkpoint(bundle.path / WEIGHTS_FILE)
    entries = [ClassEntry.model_validate(each.model_dump()) for each in bundle.card.classes]
    network = network_of_graph(bundle.model_bytes("fp32"), len(entries), f"bundle {bundle.card.name}")
    return network, ClassList(void=255, classes=entries), {"bundle": bundle.card.name}


def _of_checkpoint(path: Path) -> tuple[SegNet, ClassList, dict[str, Any]]:
    state, meta = checkpoint.load_weights(path)
    if "members" in meta["network"]:
        raise InputError(f"{path} is a pair already", fix="give one of the networks that it was made of")
    if not meta.get("fused"):
        return checkpoint.load_network(path)
    network, classes = SegNet(checkpoint.network_config(meta["network"])), ClassList.model_validate(meta["classes"])
    network.load_state_dict({name[8:]: value for name, value in state.items() if name.startswith("network.")})
    return network.eval(), classes, meta


def _of(meta: dict[str, Any]) -> dict[str, Any]:
    """What of a member's description is kept: how long it learned, from which seed, how good it was on val."""
    return {key: meta[key] for key in ("bundle", "epoch", "epochs_total", "seed", "val", "gmac") if key in meta}
