# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the schemas of a bundle's files are built of: a strict base model, and types of names, hashes and numbers."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _relative_name(value: str) -> str:
    """A file name that stays inside its folder on every system; the real path is checked again at reading."""
    parts = value.split("/")
    if not value or value.startswith("/") or "\\" in value or ":" in value or any(p in ("", ".", "..") for p in parts):
        raise ValueError(f"must be a relative path without '..', got {value!r}")
    return value


def _sha256(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError(f"must be 64 lower-case hexadecimal digits, got {value!r}")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"must be finite, got {value}")
    return value


BundleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
FileName = Annotated[str, AfterValidator(_relative_name)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Finite = Annotated[float, AfterValidator(_finite)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class Strict(BaseModel):
    """Base of every model here: frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
