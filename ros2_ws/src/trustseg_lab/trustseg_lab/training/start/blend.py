# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Between a network and its own fine-tuned form: the weighted mean of their weights (Wortsman et al. 2022).

What was learned first fades in a fine-tuning; on the line between both there are networks that keep most of the old and
most of the new. The share is chosen on validation images.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

from trustseg.errors import InputError
from trustseg_lab.training import checkpoint


def blend(before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """`share` of `after`, the rest of `before`; parts that only `after` has, and counts, are taken as they are there.

    Raises InputError where `before` has something that `after` lacks, or of another shape.
    """
    for name, value in before.items():
        if name not in after or after[name].shape != value.shape:
            raise InputError("both checkpoints must be of one network", got=f"{name} only in one, or of two shapes")
    return {
        name: torch.lerp(before[name].float(), value.float(), share)
        if name in before and value.dtype.is_floating_point
        else value
        for name, value in after.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the blended checkpoint, described as the fine-tuned one is; in half precision, which halves the file."""
    parser = argparse.ArgumentParser(description="Blend a checkpoint with its fine-tuned form.")
    parser.add_argument("before", type=Path, help="checkpoint, or published weights of a bundle")
    parser.add_argument("after", type=Path, help="checkpoint of the run that went on from it")
    parser.add_argument("share", type=float, help="of the second, 0 to 1")
    parser.add_argument("out", type=Path)
    given = parser.parse_args(arguments)
    try:
        if not 0 <= given.share <= 1:
            raise InputError("share of the second checkpoint", expected="0 to 1", got=str(given.share))
        before, meta = checkpoint.load_weights(given.before)
        if meta.get("fused"):  # its head was fitted on the features of the network as it was
            before = {name[8:]: value for name, value in before.items() if name.startswith("network.")}
        after, told = checkpoint.load_weights(given.after)
        mixed = blend(before, after, given.share)
        told.pop("val", None)  # of the network before it was blended
        checkpoint.save_weights(given.out, checkpoint.halved(mixed), {**told, "blended": given.share})
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
