# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg replay` prints of several cameras of one recording: whose flag was up, and the rig's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text


def rig_table(rig: Mapping[str, Any]) -> Table:
    """One row a camera and one for the rig; shares are of the time after the rig's start-up."""
    table = Table(title=Text(f"rig of {rig['input']}"), box=None)
    table.add_column("camera")
    for title in ("required", "flag up", "alone up"):
        table.add_column(title, justify="right")
    for each in rig["cameras"]:
        required = "yes" if each["required"] else "no"
        table.add_row(Text(each["topic"]), required, _percent(each["failure_share"]), _percent(each["alone_share"]))
    table.add_row("rig", "", _percent(rig["failure_share"]), "")
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
