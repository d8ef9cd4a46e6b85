# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The command as a user types it: one clear line for what cannot be understood, and the promised exit codes."""

from __future__ import annotations

import pytest

from trustseg.cli import app


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        app.main(list(args))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nope",), "nope"),
        (("evaluate",), "--bundle"),
        (("run", "--rate", "abc"), "--rate"),
        (("run", "--nope"), "--nope"),
        (("verify", "--bundle", "no/such/bundle"), "no/such/bundle"),
        # What the system refuses before anything is opened, as a folder above that is locked does too.
        (("replay", "x" * 300, "--out", "out"), "cannot be used, got File name too long"),
        (
            ("evaluate", "--bundle", "tiny\udcff" * 200, "--images", "i", "--labels", "l", "--out", "o"),
            "File name too long",
        ),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    capsys: pytest.CaptureFixture[str], args: tuple[str, ...], says: str
) -> None:
    code, out, err = run(capsys, *args)
    assert code == app.EXIT_USAGE
    assert out == ""
    assert err.startswith("trustseg: ")
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize("name", sorted(app.commands()))
def test_every_command_has_help_for_each_of_its_options(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == app.EXIT_GOOD
    assert "Usage:" in out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == app.EXIT_GOOD
    assert [name for name in app.commands() if name not in out] == []
