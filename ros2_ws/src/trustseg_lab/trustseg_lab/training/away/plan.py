# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is trained away: the members, their configurations, and how the minutes are divided among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from trustseg.errors import InputError
from trustseg_lab.data.yaml_file import first_problem, read_yaml
from trustseg_lab.training.config import Strict

STARTS = 0.05  # of the minutes, for what is no training: unpacking, and starting Python for each member
CONFIGS = Path(__file__).resolve().parent.parent / "configs"


class Member(Strict):
    """One network to train; see on_gpu.yaml."""

    config: Path
    init: Path | None = None
    teacher: str | None = None
    share: float = Field(gt=0)
    cuda: dict[str, Any] = Field(default={})


class Plan(Strict):
    """All of them, in the order in which they train."""

    classes: Path
    members: dict[str, Member] = Field(min_length=1)

    @model_validator(mode="after")
    def _teachers_come_first(self) -> Plan:
        """A teacher is a member that stands before its student."""
        known: set[str] = set()
        for name, member in self.members.items():
            if not name.isidentifier():
                raise ValueError(f"{name!r} is no name of a member: letters, digits and _")
            if member.teacher is not None and member.teacher not in known:
                raise ValueError(f"the teacher of {name}, {member.teacher}, is no member before it")
            if member.config.name != str(member.config):
                raise ValueError(f"the configuration of {name}, {member.config}, is no file beside the plan")
            known.add(name)
        return self


def load_plan(path: Path) -> Plan:
    """Read a plan; InputError names what is wrong with it."""
    try:
        return Plan.model_validate(read_yaml(path))
    except ValidationError as error:
        raise first_problem(error, path) from None


def config_file(folder: Path, name: Path) -> Path:
    """A configuration beside the plan in `folder`, or of the package."""
    beside = folder / name
    return CONFIGS / name if not beside.is_file() and (CONFIGS / name).is_file() else beside


def chosen(known: Sequence[str], only: str | None) -> list[str]:
    """Names of the members in `only` ("lite,vgg"; None: all), in the plan's order; InputError for an unknown one."""
    if only is None:
        return list(known)
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise InputError(f"unknown member {name!r}", expected=", ".join(known), got=only)
    if not wanted:
        raise InputError("no member is named", expected=", ".join(known), got=repr(only))
    return [name for name in known if name in wanted]


@dataclass(frozen=True)
class Stage:
    """Members that train at the same time, and the minutes that each of them has."""

    names: tuple[str, ...]
    minutes: float


def stages(
    plan: Plan, names: Sequence[str], minutes: float, together: bool, soft: Sequence[str] = ()
) -> list[Stage]:  # fmt: skip
    """`minutes` divided among the members `names`; `together`: those that need nothing of each other train at once.
    `soft`: members for whom their teacher's word is carried, so that they need not wait for it."""
    groups: list[list[str]] = []
    for name in names:
        teacher = None if name in soft else plan.members[name].teacher
        after = next((i + 1 for i, group in enumerate(groups) if teacher in group), 0)
        if together and after < len(groups):
            groups[after].append(name)
        else:
            groups.append([name])
    shares = [max(plan.members[name].share for name in group) for group in groups]
    left = minutes * (1 - STARTS)
    return [Stage(tuple(group), left * share / sum(shares)) for group, share in zip(groups, shares, strict=True)]
