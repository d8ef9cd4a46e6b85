"""A software bill of materials in CycloneDX 1.6 JSON: what the locks install, and the models that run on it."""

from __future__ import annotations

import json
import re
import uuid
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trustseg.bundle import Bundle
from trustseg.security.locked import Locked

SPEC_VERSION = "1.6"
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs, RFC 4122
SPDX_EXPRESSION = re.compile(r"^[A-Za-z0-9.+()-]+( (AND|OR|WITH) [A-Za-z0-9.+()-]+)*$")
LONGEST_LICENCE_NAME = 80


def bill_of_materials(packages: list[Locked], bundles: list[Bundle], version: str) -> str:
    """The document as JSON text; the same input gives the same bytes.

    Args:
        packages: what is installed. Licences and dependencies come from the installed packages, where they are.
        bundles: models to list, each with the hashes of its graphs.
        version: of TrustSeg.
    """
    root = f"pkg:pypi/trustseg@{version}"
    components = [*(_library(p) for p in packages), *(_model(b, key) for b in bundles for key in sorted(b.card.models))]
    refs = {package.name: package.purl for package in packages}
    direct = [refs[name] for name in _requirements("trustseg") if name in refs]
    ros = [package.purl for package in packages if package.name.startswith("ros-")]
    models = [c["bom-ref"] for c in components if c["type"] == "machine-learning-model"]
    dependencies = [{"ref": root, "dependsOn": sorted({*direct, *ros, *models})}]
    for package in packages:
        wanted = sorted({refs[name] for name in _requirements(package.name) if name in refs} - {package.purl})
        dependencies.append({"ref": package.purl, "dependsOn": wanted})
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": root, "name": "trustseg", "version": version, "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [*dependencies, *({"ref": ref} for ref in models)],
    }  # fmt: skip
    serial = uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True))
    return json.dumps({**document, "serialNumber": f"urn:uuid:{serial}"}, indent=2) + "\n"


def _library(package: Locked) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in package.sha256],
    }
    licence = _licence(package)
    if licence is not None:
        component["licenses"] = [licence]
    return component


def _model(bundle: Bundle, precision: str) -> dict[str, Any]:
    digest = bundle.card.models[precision].sha256
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{bundle.card.name}:{precision}:{digest[:12]}",
        "name": f"{bundle.card.name} {precision}",
        "version": digest[:12],
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _licence(package: Locked) -> dict[str, Any] | None:
    """What the installed package of that version says of its licence."""
    try:
        about = metadata.metadata(package.name)
    except metadata.PackageNotFoundError:
        return None
    if about["Version"] != package.version:
        return None
    expression = about["License-Expression"] if "License-Expression" in about else ""  # noqa: SIM401 - typed without get
    if expression and SPDX_EXPRESSION.match(expression):
        return {"expression": expression}
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    told = about["License"].strip() if "License" in about else ""
    name = told or (classifiers[0].rpartition(" :: ")[2] if classifiers else "")
    return {"license": {"name": name.splitlines()[0][:LONGEST_LICENCE_NAME]}} if name else None


def _requirements(name: str) -> list[str]:
    """Names of the packages that an installed one asks for here, without extras."""
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    parsed = [Requirement(text) for text in asked]
    return [canonicalize_name(r.name) for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
