# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: weights as safetensors with their description, and the state that a run resumes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from trustseg.errors import InputError
from trustseg.files.whole_file import whole_file
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.pair import PairConfig, SegNetPair
from trustseg_lab.network.segnet import SegNet, SegNetConfig


def save_weights(path: Path, state: dict[str, Tensor], meta: dict[str, Any]) -> None:
    """Write `state` and `meta` (JSON) to `path` in one step: a reader sees the old file or the new one."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in state.items()}
    with whole_file(path) as partial:
        save_file(tensors, str(partial), metadata={"trustseg": json.dumps(meta)})


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Floating-point tensors in half precision; one with a value beyond its range stays as it is."""
    found = {}
    for name, value in state.items():
        half = value.half() if value.dtype.is_floating_point else value
        found[name] = half if torch.isfinite(half).all() else value
    return found


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and description of a checkpoint; InputError when it is missing or no checkpoint of ours."""
    if not path.is_file():
        raise InputError(f"no such checkpoint: {path}", fix="give a .safetensors file that `trustseg train` wrote")
    try:
        with safe_open(str(path), "pt") as opened:
            meta = json.loads((opened.metadata() or {})["trustseg"])
        return load_file(str(path)), meta
    except Exception as error:
        raise InputError(f"{path} is no checkpoint of trustseg", got=str(error).splitlines()[0]) from None


def describe(shape: SegNetConfig | PairConfig, classes: ClassList, **more: Any) -> dict[str, Any]:
    """What a checkpoint says of itself: network shape, classes, and `more`."""
    return {"network": asdict(shape), "classes": classes.model_dump(), **more}


def network_config(shape: dict[str, Any]) -> SegNetConfig:
    """SegNetConfig of a plain mapping, in which JSON and YAML have made lists of the tuples."""
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in shape.items()}
    return SegNetConfig(**plain)


def build_network(meta: dict[str, Any]) -> tuple[SegNet | SegNetPair, ClassList]:
    """An untrained network, or pair of networks, of the described shape, and its classes.

    Raises:
        InputError: the description makes no sense.
    """
    try:
        shape = meta["network"]
        classes = ClassList.model_validate(meta["classes"])
        if "members" in shape:
            first, second = (SegNet(network_config(each)) for each in shape["members"])
            return SegNetPair(first, second), classes
        return SegNet(network_config(shape)), classes
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        what = f"{type(error).__name__} {' '.join(str(error).split())[:200]}"
        raise InputError("the checkpoint does not describe a network that can be made", got=what) from None


def load_network(path: Path) -> tuple[SegNet, ClassList, dict[str, Any]]:
    """The trained network in evaluation mode, its classes and its description."""
    state, meta = load_weights(path)
    if meta.get("fused"):
        raise InputError(
            f"{path} is the fused form, a network with its fitted confidence head",
            expected="the network alone, as `trustseg train` writes it",
            fix="give the checkpoint that it was made from",
        )  # fmt: skip
    network, classes = build_network(meta)
    if not isinstance(network, SegNet):
        raise pair_instead(path)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"{path} does not fit the network that it describes", got=str(error).split("\n")[0]) from None
    return network.eval(), classes, meta


def pair_instead(path: Path) -> InputError:
    """The error of a checkpoint that holds two networks where one is wanted."""
    return InputError(f"{path} holds a pair of networks", expected="one network", fix="give one of its members")


def save_run(path: Path, run: dict[str, Any]) -> None:
    """Write the state that a run resumes from (tensors, numbers, strings only), in one step."""
    with whole_file(path) as partial:
        torch.save(run, partial)


def load_run(path: Path) -> dict[str, Any]:
    """Read what `save_run` wrote; nothing but tensors and plain values is accepted."""
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise InputError(f"{path} cannot be resumed from", got=str(error).splitlines()[0]) from None
