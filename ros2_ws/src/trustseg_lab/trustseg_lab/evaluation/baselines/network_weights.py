# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The PyTorch network behind a bundle's graph, for baselines that need more of it than the graph gives."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trustseg.bundle.loading import Bundle
from trustseg.bundle.writer import WEIGHTS_FILE
from trustseg.errors import InputError
from trustseg.install_hint import pip_install
from trustseg.types import UInt8Array

if TYPE_CHECKING:
    import torch

    from trustseg_lab.network.segnet import SegNet


def weights_of(bundle: Bundle, given: Path | None) -> Path:
    """The checkpoint of a bundle: `given`, or the one in its folder.

    Raises:
        InputError: PyTorch is not installed, or there is no such file.
    """
    path = given or bundle.path / WEIGHTS_FILE
    if importlib.util.find_spec("torch") is None:
        raise InputError("no PyTorch is installed", fix=pip_install("trustseg_lab", "train"))
    if not path.is_file():
        ships = "" if given else f"bundle {bundle.card.name} ships no {WEIGHTS_FILE} that PyTorch could run"
        raise InputError(
            ships or f"no weights of the network: {path}", got=str(path) if ships else "",
            fix="give them with --weights, or leave this baseline out",
        )  # fmt: skip
    return path


class TorchNetwork:
    """The trained network in evaluation mode.

    Args:
        bundle: whose classes must be the checkpoint's. path: checkpoint of `trustseg train` or `fit-confidence`.
        threads: of PyTorch.

    Raises:
        InputError: no checkpoint, or one of other classes.
    """

    def __init__(self, bundle: Bundle, path: Path, threads: int) -> None:
        import torch

        from trustseg_lab.network.segnet import SegNet
        from trustseg_lab.training.batches import normalise
        from trustseg_lab.training.checkpoint import load_network, load_weights
        from trustseg_lab.training.export.checkpoint_to_graph import load_fused

        torch.set_num_threads(threads)
        fused = bool(load_weights(path)[1].get("fused"))
        loaded = load_fused(path) if fused else load_network(path)
        if not isinstance(loaded[0], SegNet):
            raise InputError(
                f"{path} is a pair of networks: MC dropout and Trust Score look into one",
                fix="give the checkpoint of one of them with --weights, or leave these baselines out",
            )
        self.network: SegNet = loaded[0].requires_grad_(False)  # ODIN's gradient is of the image alone
        classes = [each.name for each in loaded[2 if fused else 1].classes]  # type: ignore[union-attr]
        if classes != [each.name for each in bundle.card.classes]:
            raise InputError(
                f"{path} is of other classes than bundle {bundle.card.name}",
                expected=", ".join(each.name for each in bundle.card.classes), got=", ".join(classes),
            )  # fmt: skip
        self._order, self._normalise, self._torch = bundle.card.input.color_order, normalise, torch

    def tensor(self, image: UInt8Array) -> torch.Tensor:
        """float32 (1, 3, H, W) of an image uint8 (h, w, 3) in the card's colour order."""
        rgb = image if self._order == "rgb" else image[..., ::-1]
        return self._normalise(self._torch.from_numpy(np.ascontiguousarray(rgb))[None])

    @contextmanager
    def with_dropout(self, rate: float) -> Iterator[None]:
        """Channel dropout as while training, everything else as in evaluation."""
        dropout = self.network.dropout
        before = dropout.p
        dropout.p = rate
        dropout.train()
        try:
            yield
        finally:
            dropout.p = before
            dropout.eval()
