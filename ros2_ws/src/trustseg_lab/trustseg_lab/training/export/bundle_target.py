# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a checkpoint's bundle may be written: not over another one, what was fitted, or the checkpoint."""

from __future__ import annotations

import re
from pathlib import Path

from trustseg.bundle.loading import load_bundle
from trustseg.bundle.writer import CARD_FILE, WEIGHTS_FILE
from trustseg.errors import InputError, TrustSegError
from trustseg_lab.data.about_file import read_about
from trustseg_lab.precision.bundle_folder import bundle_name, holds_no_bundle, is_free

FIX = "choose another --out, or add --overwrite"
# What an export writes until the card is there, also under the names that files have meanwhile; the checkpoint follows.
PARTS = ("model.onnx", "golden.npz", "golden.png", CARD_FILE)


def check_bundle_target(out: Path, about: Path, checkpoint: Path, *, compact: bool, overwrite: bool) -> None:
    """Refuse a folder `out` whose content the new bundle would destroy.

    Args:
        out: folder of the bundle. about: its card's YAML, which may name it. checkpoint: what it is made of.
        compact: the bundle keeps no checkpoint beside it. overwrite: the user gives a bundle up that is there.

    Raises:
        InputError: `out` is no folder of a bundle, or can give it no name; it holds one of another name, or one that
            is calibrated, and not `overwrite`; or the checkpoint is the file that `compact` removes.
    """
    name = bundle_name(out, read_about(about).get("name"))
    weights = out / WEIGHTS_FILE
    if compact and weights.exists() and checkpoint.exists() and weights.samefile(checkpoint):
        raise InputError(
            f"--compact removes {weights}, which is the checkpoint", fix="choose another --out, or leave --compact out"
        )
    if not (out / CARD_FILE).is_file():
        if is_free(out):
            return
        if not out.is_dir() or any(not _of_bundle(path) for path in out.iterdir()):
            raise holds_no_bundle(out, "choose another --out, or remove it; nothing was written over")
        if not overwrite:
            raise InputError(
                f"{out} holds parts of a bundle without its card, as an export that was stopped leaves them",
                fix=f"{FIX}, or remove it",
            )  # fmt: skip
        return
    if overwrite:
        return
    try:
        card = load_bundle(out, draft=True).card
    except TrustSegError as error:
        raise InputError(f"{out} holds a bundle that cannot be read", got=str(error), fix=FIX) from None
    if card.name != name:
        raise InputError(f"{out} holds another bundle", expected=name, got=card.name, fix=FIX)
    if card.verdict is not None or card.calibration:
        raise InputError(f"{out} holds a calibrated bundle, and the new one would be a draft", fix=FIX)


def _of_bundle(path: Path) -> bool:
    """Whether an export writes a file of such a name, or is it what one leaves that was killed while writing it."""
    found = re.fullmatch(r"\.(.+)\.partial-[0-9]+(\.[a-z]+)|(.+?)(?:-[0-9a-f]{8})?(\.[a-z]+)", path.name)
    return path.is_file() and found is not None and "".join(part or "" for part in found.groups()) in PARTS
