# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trained weights in half precision, in files of a size that can be carried: one, or several that belong together.

Whoever looks, at any moment, finds a whole set: parts are named by what is in them, their list is written last, and
those of an earlier list are removed after it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg.files.whole_file import write_whole
from trustseg_lab.data.documents import parse_json
from trustseg_lab.training import checkpoint

MOST_BYTES = 16_000_000
HEADER = 65_536  # bytes that are left for the description of a part's tensors


def write_parts(
    folder: Path, name: str, state: dict[str, Tensor], meta: dict[str, Any], most: int = MOST_BYTES
) -> None:
    """Write `name`.safetensors under `folder`, or parts of at most `most` bytes each and the list `name`.parts.json.

    Raises:
        InputError: a single tensor is larger, or the folder cannot be written.
    """
    groups: list[dict[str, Tensor]] = [{}]
    room = most - HEADER - len(json.dumps(meta))
    filled = 0
    for key, value in checkpoint.halved(state).items():
        size = value.numel() * value.element_size()
        if size > room:
            raise InputError(
                f"{name}: {key} alone is larger than a part", expected=f"at most {room} bytes", got=str(size)
            )
        if filled + size > room:
            groups.append({})
            filled = 0
        groups[-1][key] = value.contiguous()
        filled += size
    one, several = folder / f"{name}.safetensors", folder / f"{name}.parts.json"
    told = {"trustseg": json.dumps(meta)}
    if len(groups) == 1:
        write_whole(one, save(groups[0], told))
        return
    listed = []
    for number, group in enumerate(groups, 1):
        data = save(group, told)
        digest = hashlib.sha256(data).hexdigest()
        file = f"{name}-{number}of{len(groups)}-{digest[:8]}.safetensors"
        write_whole(folder / file, data)
        listed.append({"file": file, "bytes": len(data), "sha256": digest})
    write_json(several, {"parts": listed})
    for old in folder.glob(f"{name}-*of*.safetensors"):
        if old.name not in {part["file"] for part in listed}:
            old.unlink()


def join(listing: Path, out: Path) -> None:
    """Write the checkpoint of which `listing` lists the parts; InputError where one is missing or another."""
    try:
        listed = [(str(each["file"]), str(each["sha256"])) for each in parse_json(listing.read_bytes())["parts"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{listing} lists no parts of a checkpoint", got=type(error).__name__) from None
    if not listed:
        raise InputError(f"{listing} lists no parts of a checkpoint", got="an empty list")
    state: dict[str, Tensor] = {}
    meta: dict[str, Any] = {}
    for file, digest in listed:
        path = listing.parent / file
        if Path(file).name != file or not path.is_file():
            raise InputError(f"no such part: {file}", expected=f"beside {listing.name}", fix="bring all parts over")
        got = hashlib.sha256(path.read_bytes()).hexdigest()
        if got != digest:
            raise InputError(f"{path}: SHA-256", expected=digest, got=got, fix="bring it over again")
        tensors, meta = checkpoint.load_weights(path)
        state.update(tensors)
    checkpoint.save_weights(out, state, meta)
