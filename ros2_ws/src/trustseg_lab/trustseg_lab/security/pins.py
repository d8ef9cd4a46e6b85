# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The pinned packages of lock files: what cyclonedx-py and pip-audit are then asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from pip_requirements_parser import InstallationError, RequirementsFile

from trustseg.errors import InputError

# What runs on a machine without an apt ROS; the other locks are for building and testing.
RUNTIME_LOCKS = ("runtime.txt", "ros.txt")


@dataclass(frozen=True)
class Pin:
    """One package: canonical name, exact version, and its line of the lock with every hash."""

    name: str
    version: str
    line: str

    @property
    def purl(self) -> str:
        """Package URL, as advisories and bills of materials name it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(locks: list[Path]) -> list[Pin]:
    """Packages that the locks install on this machine (environment markers decide), by name.

    Raises:
        InputError: a lock cannot be read, pins a package to no exact version, names another file, or locks disagree.
    """
    found: dict[str, Pin] = {}
    for lock in locks:
        for pin in _of(lock):
            known = found.setdefault(pin.name, pin)
            if known.version != pin.version:
                raise InputError(
                    f"{lock} and another lock disagree on {pin.name}", expected=known.version, got=pin.version
                )
    return [found[name] for name in sorted(found)]


def _of(lock: Path) -> list[Pin]:
    try:
        file = RequirementsFile.from_file(str(lock))
    except (OSError, UnicodeDecodeError, InstallationError) as error:
        raise InputError(f"cannot read the lock file {lock}", got=str(error)) from error
    refused = [*file.invalid_lines, *(o for o in file.options if {"requirements", "constraints"} & set(o.options))]
    here: list[Pin] = []
    for each in file.requirements:
        version = None if each.link else each.get_pinned_version
        if not version or "*" in version:
            refused.append(each)
        elif each.marker is None or each.marker.evaluate():
            here.append(Pin(canonicalize_name(each.name), version, each.dumps()))
    if refused:
        line = refused[0].requirement_line
        raise InputError(
            f"{lock}, line {line.line_number}", expected="name==version with --hash=sha256:...", got=line.line
        )
    return here
