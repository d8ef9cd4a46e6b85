# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A log has the words of the bars, and none of the marks that colour them on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from trustseg.cli.bars import Bars


def test_a_log_has_the_words_and_not_their_colours() -> None:
    log = io.StringIO()
    with Bars(Console(file=log), log_period_s=0.0) as bars:
        task = bars.add_task("driving", total=3)
        bars.update(task, description="driving | [bold red]FLAG UP[/] it is dark", completed=2)
    assert log.getvalue() == "driving | FLAG UP it is dark: 2 of 3\n"
