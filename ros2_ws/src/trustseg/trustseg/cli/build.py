# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg build`: TensorRT plans of a bundle, on the machine that will run them or ahead of time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustseg.backend_registry import REGISTRY, TENSORRT, TENSORRT_RTX
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import BackendError, InputError
from trustseg.files.json_document import print_json

if TYPE_CHECKING:
    from trustseg.backends.tensorrt.plan_manifest import PlanManifest, PlanPlace
    from trustseg.bundle.loading import Bundle

LIBRARY = {name: REGISTRY[name].options["library"] for name in (TENSORRT, TENSORRT_RTX)}


def build(
    bundle: Annotated[
        str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")
    ] = DEFAULT_BUNDLE,
    precision: Annotated[str, typer.Option(help="Which graph of the bundle, or all of them: all.")] = "fp32",
    backend: Annotated[
        str, typer.Option(help="tensorrt: for this machine's GPU; tensorrt-rtx: ahead of time, needs no GPU.")
    ] = TENSORRT,
    compute_capability: Annotated[
        list[str] | None, typer.Option(help="GPU to build for, such as 8.6; with tensorrt-rtx. Repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the plans. Default: $TRUSTSEG_PLANS/NAME, else plans/ of the bundle.")
    ] = None,
    workspace_mb: Annotated[int, typer.Option(min=16, help="Most memory that a kernel may ask for, MB.")] = 1024,
    check: Annotated[
        bool, typer.Option("--check", help="Build nothing; exit code 1 when a plan is missing or does not fit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
) -> None:
    """Build the TensorRT plan that the node loads: it never builds one itself."""
    from trustseg.backends.tensorrt.build import check_plan
    from trustseg.backends.tensorrt.plan_manifest import plan_place
    from trustseg.bundle.loading import load_bundle

    if backend not in LIBRARY:
        raise InputError("no such builder", expected=" or ".join(LIBRARY), got=repr(backend))
    ahead = tuple(compute_capability or ())
    if (backend == TENSORRT_RTX) != bool(ahead) and not check:
        raise InputError(
            "which GPUs to build for", expected="--backend tensorrt-rtx with --compute-capability, or neither",
            got=f"--backend {backend}" + (f" --compute-capability {' '.join(ahead)}" if ahead else ""),
        )  # fmt: skip
    loaded = load_bundle(bundle, draft=True)
    precisions = tuple(loaded.card.models) if precision == "all" else (precision,)
    places = {name: plan_place(loaded, LIBRARY[backend], name, out) for name in precisions}
    for name in precisions:
        loaded.model(name)
    console = PlainConsole()
    if check:
        problems = {name: check_plan(loaded, place) for name, place in places.items()}
        missing = _missing(LIBRARY[backend])
        if as_json:
            document = {"bundle": loaded.card.name, "backend": backend, "library": missing, "problems": problems}
            print_json(document)
        else:
            console.print(f"{backend}: {missing or 'installed'}", soft_wrap=True, markup=False)
            for name, problem in problems.items():
                console.print(f"{name}: {problem or 'good'}", soft_wrap=True, markup=False)
        if missing or any(problems.values()):
            raise typer.Exit(1)
        return
    built = [_build(loaded, place, ahead, workspace_mb) for place in places.values()]
    if as_json:
        print_json([manifest.model_dump(mode="json") for manifest in built])
        return
    for manifest, place in zip(built, places.values(), strict=True):
        machine = manifest.machine
        where = machine.gpu or "compute capability " + ", ".join(machine.compute_capabilities)
        console.print(
            f"{manifest.precision}: {place.folder / manifest.plan}, {manifest.plan_bytes / 1e6:.1f} MB in "
            f"{manifest.build_s:.1f} s, {machine.library} {machine.version} for {where}",
            soft_wrap=True, markup=False,
        )  # fmt: skip


def _missing(library: str) -> str:
    """Why the library that builds and runs plans cannot be used here; empty when it can."""
    from trustseg.backends.tensorrt.bindings import import_tensorrt

    try:
        import_tensorrt(library)
    except BackendError as error:
        return str(error)
    return ""


def _build(bundle: Bundle, place: PlanPlace, ahead: tuple[str, ...], workspace_mb: int) -> PlanManifest:
    from trustseg.backends.tensorrt.build import BuildOptions, build_plan
    from trustseg.backends.tensorrt.lint import refuse_unportable

    # TensorRT's own parser would name a node; this names the rule, and it catches what only some versions refuse.
    refuse_unportable(_parsed(bundle, place.precision))
    err = PlainConsole(stderr=True)
    with Bars(err) as progress:
        tasks = {place.precision: progress.add_task(f"{place.precision}: building", total=None)}

        def report(phase: str, done: int, steps: int) -> None:
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase[:48], total=steps)
            progress.update(tasks[phase], completed=done)

        return build_plan(bundle, place, BuildOptions(ahead, workspace_mb << 20), report)


def _parsed(bundle: Bundle, precision: str) -> Any:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    data = bundle.model_bytes(precision)
    try:
        return onnx.load_from_string(data)
    except DecodeError as error:
        raise InputError(
            f"the {precision} graph of bundle {bundle.card.name} is no ONNX graph", fix="export the bundle again"
        ) from error
