# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The console of every command: what is printed is what was said."""

from __future__ import annotations

from typing import Any

from rich.console import Console


class PlainConsole(Console):
    """A console that takes text as it is.

    Rich reads [brackets] as markup and :names: as emojis. Paths have both, `IMAGES:LABELS:VOID` above all: a folder
    `car` between two colons was printed as a picture of one.
    """

    def __init__(self, **options: Any) -> None:
        """Args: options: of rich's own `Console`."""
        super().__init__(markup=False, emoji=False, highlight=False, **options)
