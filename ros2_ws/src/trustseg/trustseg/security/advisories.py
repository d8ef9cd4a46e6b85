"""Known weaknesses of the locked packages, asked of an OSV service (osv.dev's interface, version 1)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from trustseg.errors import InputError
from trustseg.security.locked import Locked

SERVICE = "https://api.osv.dev"
BATCH = 500  # the service takes a thousand
TIMEOUT_S = 20.0
LARGEST_ANSWER = 64 << 20


@dataclass(frozen=True)
class Advisory:
    """One known weakness of one package."""

    package: Locked
    identifier: str


def known_advisories(packages: list[Locked], service: str = SERVICE, timeout_s: float = TIMEOUT_S) -> list[Advisory]:
    """What the service knows about these versions, by package.

    Raises:
        InputError: the service cannot be reached, or answers something else than its interface says.
    """
    found: list[Advisory] = []
    for first in range(0, len(packages), BATCH):
        some = packages[first : first + BATCH]
        answers = _ask(service, [{"package": {"purl": p.purl}} for p in some], timeout_s)
        if len(answers) != len(some):
            raise _strange(service, f"{len(answers)} answers to {len(some)} questions")
        for package, answer in zip(some, answers):
            found += [Advisory(package, str(known["id"])) for known in answer.get("vulns", [])]
    return found


def _ask(service: str, queries: list[dict[str, Any]], timeout_s: float) -> list[dict[str, Any]]:
    if not service.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise InputError("the advisory service", expected="an address that begins with https://", got=service)
    request = urllib.request.Request(
        f"{service.rstrip('/')}/v1/querybatch",
        data=json.dumps({"queries": queries}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            content = answer.read(LARGEST_ANSWER)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"the advisory service {service} does not answer, so nothing is known about the packages",
            got=str(reason),
            fix="run this where the network reaches it, or name a mirror with --service",
        ) from error
    try:
        results = json.loads(content)["results"]
        return [{"vulns": [{"id": known["id"]} for known in result.get("vulns", [])]} for result in results]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _strange(service, repr(content[:80])) from error


def _strange(service: str, got: str) -> InputError:
    return InputError(f"the advisory service {service}", expected="an answer of OSV's querybatch", got=got)
