# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the installed laboratory promises by itself, for `colcon test`; `tests/` at the top holds everything else."""

from __future__ import annotations

from importlib import metadata

import pytest
import typer

from trustseg.cli.app import LABORATORY_COMMANDS

POINTS = {point.name: point for point in metadata.entry_points(group="trustseg.commands")}


def test_the_runtime_names_every_command_of_the_laboratory() -> None:
    assert set(POINTS) == set(LABORATORY_COMMANDS)


@pytest.mark.parametrize("name", sorted(LABORATORY_COMMANDS))
def test_a_command_is_found_by_its_entry_point(name: str) -> None:
    command = POINTS[name].load()
    assert isinstance(command, typer.Typer) or callable(command)
