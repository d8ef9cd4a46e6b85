# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A software bill of materials in CycloneDX 1.6 JSON: what the locks install, and the models that run on it.

cyclonedx-py (Apache-2.0) makes both bills that this one is put together from: of the locks (packages and hashes), and
of the environment that runs this (licences and who needs whom).
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import Any

from packaging.utils import canonicalize_name

from trustseg.bundle.loading import Bundle
from trustseg.errors import TrustSegError
from trustseg_lab.security.pins import Pin

SPEC_VERSION = "1.6"
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs, RFC 4122


def bill_of_materials(packages: list[Pin], bundles: list[Bundle], version: str) -> str:
    """The document as JSON text; the same input gives the same bytes.

    Args:
        packages: what is installed. Licences and dependencies come from the installed packages, where they are.
        bundles: models to list, each with the hashes of its graphs.
        version: of TrustSeg.
    """
    bill = _cyclonedx("requirements", "-", stdin="\n".join(pin.line for pin in packages) + "\n")
    licences, needs = _installed()
    root = f"pkg:pypi/trustseg@{version}"
    components = bill.get("components", [])
    for each in components:
        each["bom-ref"] = each["purl"]  # the tool's reference and description are line numbers of its input
        del each["description"]
        if each["purl"] in licences:
            each["licenses"] = licences[each["purl"]]
    models = [_model(bundle, precision) for bundle in bundles for precision in sorted(bundle.card.models)]
    listed = {pin.purl for pin in packages}
    ros = {pin.purl for pin in packages if pin.name.startswith("ros-")}
    direct = (needs.get(root, set()) & listed) | ros | {model["bom-ref"] for model in models}
    bill["metadata"]["component"] = {
        "type": "application", "bom-ref": root, "name": "trustseg", "version": version, "purl": root,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }  # fmt: skip
    bill["components"] = [*sorted(components, key=lambda each: str(each["purl"])), *models]
    bill["dependencies"] = [
        {"ref": root, "dependsOn": sorted(direct)},
        *({"ref": pin.purl, "dependsOn": sorted(needs.get(pin.purl, set()) & listed)} for pin in packages),
        *({"ref": model["bom-ref"]} for model in models),
    ]
    serial = uuid.uuid5(NAMESPACE, json.dumps(bill, sort_keys=True))
    return json.dumps({**bill, "serialNumber": f"urn:uuid:{serial}"}, indent=2) + "\n"


def _model(bundle: Bundle, precision: str) -> dict[str, Any]:
    digest = bundle.card.models[precision].sha256
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{bundle.card.name}:{precision}:{digest[:12]}",
        "name": f"{bundle.card.name} {precision}",
        "version": digest[:12],
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _installed() -> tuple[dict[str, Any], dict[str, set[str]]]:
    """Of this environment: licences by package URL, and the package URLs that each package needs."""
    bill = _cyclonedx("environment", sys.executable)
    purls = {c["bom-ref"]: f"pkg:pypi/{canonicalize_name(c['name'])}@{c['version']}" for c in bill["components"]}
    licences = {purls[c["bom-ref"]]: c["licenses"] for c in bill["components"] if "licenses" in c}
    needs = {
        purls[each["ref"]]: {purls[other] for other in each.get("dependsOn", []) if other in purls}
        for each in bill["dependencies"]
        if each["ref"] in purls
    }
    return licences, needs


def _cyclonedx(command: str, source: str, stdin: str = "") -> dict[str, Any]:
    arguments = ["--of", "JSON", "--sv", SPEC_VERSION, "--output-reproducible", "--no-validate", "-o", "-", source]
    ran = subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", command, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise TrustSegError(
            "cyclonedx-py made no bill of materials", got=(ran.stderr.strip().splitlines() or ["nothing"])[-1]
        )
    document: dict[str, Any] = json.loads(ran.stdout)
    return document
