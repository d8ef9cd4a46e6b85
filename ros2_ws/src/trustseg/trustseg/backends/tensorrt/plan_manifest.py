# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a built TensorRT plan is bound to, and the check that refuses it anywhere else.

A plan is executable code of one TensorRT build for one GPU. `trustseg build` writes its manifest beside it; every field
is compared, and the plan's bytes are hashed, before anything deserialises them. Who can write either could run code in
the node: both must be this user's or root's and nobody else's to write
(`trustseg.files.owned_file`), and where a public key is
configured the manifest, which holds the plan's hash, must be signed with it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from trustseg.bundle.loading import FILE_MAX_BYTES, Bundle, parse_model, sha256_hex
from trustseg.bundle.schema import FileName, Sha256, Strict
from trustseg.bundle.signature import check_signature, configured_key
from trustseg.errors import BackendError, BundleError, PlanError
from trustseg.files.owned_file import read_owned

PLANS_VARIABLE = "TRUSTSEG_PLANS"
MANIFEST_MAX_BYTES = 1 << 20


class PlanMachine(Strict):
    """The machine that a plan was built on and for.

    Attributes:
        library: "tensorrt", or "tensorrt_rtx" built ahead of time. version: of it, with its build number.
        gpu: name of the GPU; empty for a plan that was built ahead of time.
        compute_capabilities: "8.7" ...; a plan built ahead of time holds several.
        cuda: version of the CUDA driver's interface. driver: of the kernel's driver.
        l4t: release on a Jetson, else empty.
    """

    library: Literal["tensorrt", "tensorrt_rtx"]
    version: str
    gpu: str
    compute_capabilities: list[str] = Field(min_length=1)
    cuda: str
    driver: str
    l4t: str


class PlanManifest(Strict):
    """`<library>_<precision>.json` beside the plan.

    Attributes:
        bundle, precision, onnx_sha256: what was built.
        input_shape: of the tensor `image`. profiles: names of the optimisation profiles; none for static shapes.
        plan, plan_sha256, plan_bytes: the file.
        machine: what it runs on.
        flags: of network and builder. build_s: how long it took. date: when.
    """

    schema_version: Literal[1]
    bundle: str
    precision: str
    onnx_sha256: Sha256
    input_shape: list[int]
    profiles: list[str]
    plan: FileName
    plan_sha256: Sha256
    plan_bytes: int = Field(gt=0)
    machine: PlanMachine
    flags: list[str]
    build_s: float
    date: str


@dataclass(frozen=True)
class PlanPlace:
    """Where the plan of one bundle, library and precision lies."""

    folder: Path
    library: str
    precision: str

    @property
    def manifest(self) -> Path:
        """The manifest's path."""
        return self.folder / f"{self.library}_{self.precision}.json"

    @property
    def timing_cache(self) -> Path:
        """Timings of kernels, kept from build to build."""
        return self.folder / f"{self.library}.timing"


def plan_place(bundle: Bundle, library: str, precision: str, folder: Path | None = None) -> PlanPlace:
    """`folder`, or $TRUSTSEG_PLANS/<bundle>, or `plans/` in the bundle's own folder."""
    named = os.environ.get(PLANS_VARIABLE)
    where = folder or (Path(named) / bundle.card.name if named else bundle.path / "plans")
    return PlanPlace(where, library, precision)


def build_command(bundle: Bundle, place: PlanPlace) -> str:
    """The command that makes the plan."""
    backend = " --backend tensorrt-rtx --compute-capability X.Y" if place.library == "tensorrt_rtx" else ""
    return f"trustseg build --bundle {bundle.card.name} --precision {place.precision}{backend}"


def read_manifest(bundle: Bundle, place: PlanPlace) -> PlanManifest:
    """The manifest of a plan.

    Raises:
        BackendError: there is none: it was never built here. PlanError: it cannot be read, others can write it, it is
            not signed although a key is configured, or it is not valid.
    """
    manifest = place.manifest.resolve()
    try:
        data = read_owned(manifest, MANIFEST_MAX_BYTES)
    except FileNotFoundError as error:
        raise BackendError(
            f"no TensorRT plan of bundle {bundle.card.name} ({place.precision})", expected=str(place.manifest),
            fix=f"run `{build_command(bundle, place)}` on this machine",
        ) from error  # fmt: skip
    except OSError as error:
        raise PlanError(f"cannot read {place.manifest}", got=error.strerror or str(error)) from error
    key = configured_key()
    if key is not None:
        sign = f"sign it where the private key is: `trustseg sign --plan {place.manifest.name} --key PRIVATE.pem`"
        try:
            check_signature(data, manifest, key, fix=sign)
        except BundleError as error:
            raise PlanError(str(error)) from error
    try:
        return parse_model(PlanManifest, data, str(place.manifest))
    except BundleError as error:
        raise PlanError(str(error), fix=f"run `{build_command(bundle, place)}` again") from error


def check_bundle(manifest: PlanManifest, bundle: Bundle, place: PlanPlace) -> None:
    """PlanError unless the plan was built from this very graph, in this precision and size."""
    _equal(bundle, place, "bundle", bundle.card.name, manifest.bundle)
    _equal(bundle, place, "precision", place.precision, manifest.precision)
    _equal(bundle, place, "onnx_sha256", bundle.model(place.precision).sha256, manifest.onnx_sha256)
    _equal(bundle, place, "input_shape", list(bundle.card.input_shape), manifest.input_shape)
    _equal(bundle, place, "profiles", [], manifest.profiles)


def check_machine(manifest: PlanManifest, here: PlanMachine, bundle: Bundle, place: PlanPlace) -> None:
    """PlanError unless the plan was built for the library and GPU that are `here`."""
    built = manifest.machine
    for field in ("library", "version"):
        _equal(bundle, place, f"machine.{field}", getattr(here, field), getattr(built, field))
    if built.library == "tensorrt":
        for field in ("gpu", "compute_capabilities", "cuda", "driver", "l4t"):
            _equal(bundle, place, f"machine.{field}", getattr(here, field), getattr(built, field))
    elif not set(here.compute_capabilities) <= set(built.compute_capabilities):
        _refuse(bundle, place, "machine.compute_capabilities", here.compute_capabilities, built.compute_capabilities)


def read_plan(manifest: PlanManifest, bundle: Bundle, place: PlanPlace) -> bytes:
    """The plan's bytes, read once, nobody else's to write, with the manifest's size and hash; PlanError otherwise."""
    folder = place.folder.resolve()
    path = (folder / manifest.plan).resolve()
    fix = f"run `{build_command(bundle, place)}` again; the plan was not opened"
    if not path.is_relative_to(folder):
        raise PlanError(f"plan {manifest.plan} leads out of {folder}", got=str(path), fix=fix)
    limit = min(manifest.plan_bytes, FILE_MAX_BYTES)
    try:
        data = read_owned(path, limit)
    except OSError as error:
        raise PlanError(f"cannot read {path}", got=error.strerror or str(error), fix=fix) from error
    if len(data) < manifest.plan_bytes:
        raise PlanError(f"{path} is truncated", expected=f"{manifest.plan_bytes} bytes", got=f"{len(data)}", fix=fix)
    found = sha256_hex(data)
    if len(data) > limit or found != manifest.plan_sha256:
        raise PlanError(
            f"{path} has been altered", expected=f"SHA-256 {manifest.plan_sha256[:12]}... as in its manifest",
            got=f"{found[:12]}...", fix=fix,
        )  # fmt: skip
    return data


def _equal(bundle: Bundle, place: PlanPlace, field: str, expected: object, found: object) -> None:
    if expected != found:
        _refuse(bundle, place, field, expected, found)


def _refuse(bundle: Bundle, place: PlanPlace, field: str, expected: object, found: object) -> None:
    raise PlanError(
        f"the TensorRT plan of bundle {bundle.card.name} ({place.precision}) does not fit: {field}",
        expected=_text(expected), got=_text(found), fix=f"run `{build_command(bundle, place)}` on this machine",
    )  # fmt: skip


def _text(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value) or "none"
