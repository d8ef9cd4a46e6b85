# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Progress: bars on a terminal, and in a log a line now and then; a log that is silent for long looks like a hang."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LOG_PERIOD_S = 30.0


class Bars(Progress):
    """Bars that vanish at their end.

    Args:
        console: where to. log_period_s: where it is no terminal, at most one line in so many seconds.
    """

    def __init__(self, console: Console, log_period_s: float = LOG_PERIOD_S) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        super().__init__(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._log_period_s, self._told_s = log_period_s, self.get_time()

    def update(self, task_id: TaskID, *args: Any, **changes: Any) -> None:
        """See `Progress`."""
        super().update(task_id, *args, **changes)
        self._log(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """See `Progress`."""
        super().advance(task_id, advance)
        self._log(task_id)

    def _log(self, task_id: TaskID) -> None:
        now_s = self.get_time()
        task = self._tasks.get(task_id)
        if self.console.is_terminal or task is None or now_s - self._told_s < self._log_period_s:
            return
        self._told_s = now_s
        of = "" if task.total is None else f" of {task.total:g}"
        what = Text.from_markup(task.description).plain  # as the bars show it
        self.console.print(f"{what}: {task.completed:g}{of}", markup=False, highlight=False, soft_wrap=True)
