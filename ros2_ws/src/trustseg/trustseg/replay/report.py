"""`report.html`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_report(
    folder: Path, document: dict[str, Any], timing: dict[str, float], gate: str, fired: Sequence[str]
) -> None:
    """Write it."""
