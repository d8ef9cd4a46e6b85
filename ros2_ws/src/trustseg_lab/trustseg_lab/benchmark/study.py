# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a study is: a question to the whole set rather than to one view; its answer is a table of its own.

A study looks at every view once, while its maps are there, and tells its table when all have been read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected


@dataclass(frozen=True)
class Answer:
    """A study's table: its title, what it shows in one sentence, heads and rows; numbers, text, or None.

    Attributes:
        charts: SVG figures of `html_charts`, pictures: JPEGs by what they show; both for the report alone.
    """

    title: str
    hint: str
    heads: tuple[str, ...]
    rows: list[list[Any]] = field(default_factory=list)
    charts: tuple[str, ...] = ()
    pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """What `benchmark.json` holds of it."""
        return {"title": self.title, "hint": self.hint, "heads": self.heads, "rows": self.rows}


class Study(Protocol):
    """A question to the set.

    Attributes:
        name: in `benchmark.json` and on the command line. needs: as a method's.
    """

    @property
    def name(self) -> str:
        """In tables and on the command line."""

    @property
    def needs(self) -> frozenset[str]:
        """What must be there for it."""

    def look(self, index: int, sample: Sample) -> None:
        """Take what is needed of view `index`."""

    def tell(self, found: Collected) -> Answer:
        """The table, when every method has read every view."""
