"""The locked packages: names, versions and hashes from the lock files that the set-up installs from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from trustseg.errors import InputError

# What runs on a machine without an apt ROS; the other locks are for building and testing.
RUNTIME_LOCKS = ("runtime.txt", "ros.txt")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*\\?$")
HASH = re.compile(r"^\s+--hash=sha256:(?P<hash>[0-9a-f]{64})\s*\\?$")


@dataclass(frozen=True)
class Locked:
    """One pinned package; `sha256` holds one hash for every file of it that may be installed."""

    name: str
    version: str
    sha256: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Package URL, as advisories and bills of materials name it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def locked_packages(locks: list[Path]) -> list[Locked]:
    """Packages that the locks install on this machine (environment markers decide), by name.

    Raises:
        InputError: a lock cannot be read, has a line that is neither pin nor hash, or locks disagree on a version.
    """
    found: dict[str, Locked] = {}
    for lock in locks:
        for package in _parse(lock):
            known = found.setdefault(package.name, package)
            if known.version != package.version:
                raise InputError(
                    f"{lock} and another lock disagree on {package.name}", expected=known.version, got=package.version
                )
    return [found[name] for name in sorted(found)]


def _parse(lock: Path) -> list[Locked]:
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the lock file {lock}", got=str(error)) from error
    packages: list[Locked] = []
    wanted = False
    for number, line in enumerate(lines, 1):
        pinned, hashed = PINNED.match(line), HASH.match(line)
        if pinned:
            marker = pinned["marker"]
            wanted = not marker or Marker(marker).evaluate()
            if wanted:
                packages.append(Locked(canonicalize_name(pinned["name"]), pinned["version"], ()))
        elif hashed:
            if wanted:
                last = packages[-1]
                packages[-1] = Locked(last.name, last.version, (*last.sha256, hashed["hash"]))
        elif line.strip() and not line.startswith("#"):
            raise InputError(f"{lock}, line {number}", expected="name==version or --hash=sha256:...", got=line.strip())
    return packages
