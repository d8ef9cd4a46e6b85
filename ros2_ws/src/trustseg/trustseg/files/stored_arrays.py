# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Archives of arrays (npz) that anybody may have made or damaged."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError


def read_arrays(
    source: Path | bytes, where: str, names: Sequence[str] = (), most_bytes: int | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Arrays by name; nothing in them is ever run as code.

    Args:
        source: the file, or its bytes. where: names it in the error.
        names: arrays to read; empty: all. most_bytes: that it may unpack to; None: any number.

    Raises:
        InputError: it cannot be read, is damaged, lacks one of `names`, or unpacks to more.
    """
    try:
        with ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            stated = sum(member.file_size for member in archive.infolist())
        if most_bytes is not None and stated > most_bytes:
            raise ValueError(f"it unpacks to {stated} bytes, expected at most {most_bytes}")
        with np.load(io.BytesIO(source) if isinstance(source, bytes) else source, allow_pickle=False) as stored:
            return {name: stored[name] for name in names or stored.files}
    except Exception as error:  # zipfile, zlib, tokenize and numpy let theirs through
        # One line: a name in the archive may be as long as the archive.
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{where} cannot be read", got=told) from error
