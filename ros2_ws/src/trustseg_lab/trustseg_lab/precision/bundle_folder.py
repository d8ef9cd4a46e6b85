# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a bundle may be written: a folder that can give it a name, and that holds nothing of somebody else."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from trustseg.bundle.schema import BundleName
from trustseg.errors import InputError

UNTOUCHED = "choose another --out; nothing was written over"


def bundle_name(out: Path, name: str | None = None) -> str:
    """Name of a bundle in the folder `out`: `name` where one is given, else the folder's own.

    Raises:
        InputError: a bundle cannot be called so.
    """
    wanted = name or out.resolve().name
    try:
        return str(TypeAdapter(BundleName).validate_python(wanted))
    except ValidationError:
        raise InputError(
            f"a bundle cannot be called {wanted!r}", expected="letters, digits, _ . -, the first a letter or digit",
            fix="choose another --out",
        ) from None  # fmt: skip


def is_free(out: Path) -> bool:
    """Whether `out` is not there yet, or is an empty folder."""
    return not out.exists() or (out.is_dir() and not any(out.iterdir()))


def holds_no_bundle(out: Path, fix: str = UNTOUCHED) -> InputError:
    """What is said of an `out` that is not free and has no card."""
    return InputError(f"{out} exists and holds no bundle", fix=fix)
