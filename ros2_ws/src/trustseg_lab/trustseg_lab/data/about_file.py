# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a card says about its network: the YAML file of `--about`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from trustseg.bundle.card import TrainingData
from trustseg.bundle.schema import BundleName, Strict
from trustseg_lab.data.yaml_file import first_problem, read_yaml


class AboutTraining(Strict):
    """As `trustseg.bundle.card.Training`; what is not said is filled in by the command."""

    data: list[TrainingData] = Field(default_factory=list)
    licence_note: str = ""
    command: str = ""


class About(Strict):
    """Nothing has to be said."""

    name: BundleName = "unnamed"
    description: str = ""
    training: AboutTraining = Field(default_factory=AboutTraining)


def read_about(path: Path) -> dict[str, Any]:
    """What the file says, and no more: name, description, training {data, licence_note, command}.

    Raises:
        InputError: there is no such file, or it says something else.
    """
    try:
        return About.model_validate(read_yaml(path)).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise first_problem(error, path) from None
