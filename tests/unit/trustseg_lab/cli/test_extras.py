# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options that a command would drop in silence are refused before anything is read."""

from __future__ import annotations

import pytest

from trustseg.cli.app import main

BUNDLE = ("fit-confidence", "--bundle", "none")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((*BUNDLE, "--aspect-share", "0.5"), "--aspect-share would say nothing with --bundle"),
        ((*BUNDLE, "--steps", "5", "--objects", "a"), "--objects, --steps would say nothing with --bundle"),
        (
            ("fit-confidence", "--checkpoint", "a", "--unseen", "b:c", "--out", "d", "--limit", "3"),
            "--limit would say nothing without --bundle",
        ),
        (("bench", "--replay", "a", "--rate", "5"), "--rate would say nothing with --replay"),
        (("bench", "--precision", "all", "--check"), "--check would say nothing with --precision all"),
        (("bench", "--rate", "5"), "--rate would say nothing without --ros"),
        (
            ("calibrate", "--bundle", "segnet_lite", "--published", "--cache", "a"),
            "--cache would say nothing with --published",
        ),
    ],
)
def test_an_option_that_would_be_dropped_is_refused(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"trustseg: {line}; leave out one or the other\n"
