# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Known weaknesses of pinned packages: pip-audit (Apache-2.0) asks an OSV service about each.

pip-audit takes an answer without content for "nothing known", and ends with 1 for a weakness as for its own fault. So
the service must first tell a weakness that everybody knows, and only a whole report counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustseg.errors import InputError
from trustseg_lab.security.pins import Pin

SERVICE = "https://api.osv.dev"
TIMEOUT_S = 20
# The example of OSV's own manual; a service that knows nothing about it knows nothing.
KNOWN = Pin("jinja2", "2.4.1", "")


@dataclass(frozen=True)
class Advisory:
    """One known weakness of one package."""

    package: Pin
    identifier: str


def known_advisories(packages: list[Pin], service: str = SERVICE) -> list[Advisory]:
    """What the service knows about these versions, by package.

    Raises:
        InputError: the service cannot be reached, or answers something else than its interface says.
    """
    if not service.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise InputError("the advisory service", expected="an address that begins with https://", got=service)
    if not any(each["vulns"] for each in _report([KNOWN], service)):
        raise InputError(
            f"the advisory service {service}",
            expected=f"an answer of OSV's query: the known weaknesses of {KNOWN.name} {KNOWN.version}",
            got="none",
        )
    told = {each["name"]: each["vulns"] for each in _report(packages, service)}
    return [Advisory(package, str(known["id"])) for package in packages for known in told[package.name]]


def _report(packages: list[Pin], service: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="trustseg-audit-") as folder:
        asked = Path(folder) / "pins.txt"
        asked.write_text("".join(f"{package.name}=={package.version}\n" for package in packages), encoding="utf-8")
        ran = subprocess.run(
            [
                sys.executable, "-m", "pip_audit", "--requirement", str(asked), "--no-deps", "--disable-pip",
                "--vulnerability-service", "osv", "--osv-url", f"{service.rstrip('/')}/v1/query",
                "--timeout", str(TIMEOUT_S), "--cache-dir", folder, "--format", "json", "--progress-spinner", "off",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    try:
        report: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
        whole = {each["name"] for each in report if "vulns" in each} == {package.name for package in packages}
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise InputError(
            f"the advisory service {service} gives no answer of OSV's query, so nothing is known about the packages",
            got=(ran.stderr.strip().splitlines() or ["nothing"])[-1],
            fix="run this where the network reaches it, or name a mirror with --service",
        )
    return report
