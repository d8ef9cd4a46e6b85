# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Builds TensorRT plans: on the machine that will run them, or ahead of time for named GPUs with TensorRT-RTX."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from trustseg.backends.golden import golden_test
from trustseg.backends.tensorrt.backend import TensorRtBackend
from trustseg.backends.tensorrt.bindings import QuietLog, import_tensorrt, this_machine
from trustseg.backends.tensorrt.cuda_buffers import cuda_driver
from trustseg.backends.tensorrt.plan_manifest import (
    PlanMachine,
    PlanManifest,
    PlanPlace,
    check_bundle,
    check_machine,
    read_manifest,
    read_plan,
)
from trustseg.bundle.loading import FILE_MAX_BYTES, Bundle, sha256_hex
from trustseg.errors import BackendError, BundleError, SelfTestError
from trustseg.files.owned_file import read_owned
from trustseg.files.whole_file import whole_file

WORKSPACE_BYTES = 1 << 30
Progress = Callable[[str, int, int], None]  # phase, steps done, steps of it


@dataclass(frozen=True)
class BuildOptions:
    """What to build and how.

    Attributes:
        compute_capabilities: "8.6" ...: ahead of time (tensorrt_rtx only). workspace_bytes: most memory of a kernel.
    """

    compute_capabilities: tuple[str, ...] = ()
    workspace_bytes: int = WORKSPACE_BYTES


def check_plan(bundle: Bundle, place: PlanPlace) -> str:
    """Why the plan at `place` would not be run here, in one line; empty when it would. Nothing is built or run."""
    try:
        manifest = read_manifest(bundle, place)
        check_bundle(manifest, bundle, place)
        read_plan(manifest, bundle, place)
        if place.library == "tensorrt":
            trt = import_tensorrt(place.library)
            check_machine(manifest, this_machine(trt, cuda_driver(), place.library), bundle, place)
        else:
            version = str(import_tensorrt(place.library).__version__)
            check_machine(manifest, manifest.machine.model_copy(update={"version": version}), bundle, place)
    except (BackendError, BundleError) as error:
        return str(error)
    return ""


def build_plan(bundle: Bundle, place: PlanPlace, options: BuildOptions, progress: Progress) -> PlanManifest:
    """Build, prove on the golden image (where there is a GPU), then put plan and manifest in place, the manifest last.

    A plan that is there already is replaced only by one that has passed.

    Raises:
        BackendError: TensorRT, driver or GPU is missing, TensorRT refuses the graph, or the folder cannot be written.
        SelfTestError: the new plan does not reproduce the golden image. BundleError: the graph is altered.
    """
    model = bundle.model_bytes(place.precision)
    trt = import_tensorrt(place.library)
    ahead = bool(options.compute_capabilities)
    machine = _ahead(trt, options) if ahead else this_machine(trt, cuda_driver(), place.library)
    started = perf_counter()
    plan, flags, timings = _build(trt, bundle, place, model, options, progress)
    build_s = perf_counter() - started
    if not ahead:
        _prove(bundle, place, plan)
    manifest = PlanManifest(
        schema_version=1, bundle=bundle.card.name, precision=place.precision, onnx_sha256=sha256_hex(model),
        input_shape=list(bundle.card.input_shape), profiles=[],
        plan=f"{place.library}_{place.precision}-{sha256_hex(plan)[:12]}.plan", plan_sha256=sha256_hex(plan),
        plan_bytes=len(plan), machine=machine, flags=flags, build_s=round(build_s, 3),
        date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    )  # fmt: skip
    _place(place, manifest, plan, timings)
    return manifest


def _ahead(trt: Any, options: BuildOptions) -> PlanMachine:
    if not hasattr(trt, "ComputeCapability"):
        raise BackendError(
            f"TensorRT {trt.__version__} builds for the GPU it runs on only", fix="use --backend tensorrt-rtx"
        )
    known = {name[2:-1] + "." + name[-1]: name for name in trt.ComputeCapability.__members__ if name.startswith("SM")}
    for each in options.compute_capabilities:
        if each not in known:
            raise BackendError(
                "no such compute capability for TensorRT-RTX", expected="one of " + ", ".join(known), got=each,
                fix="a Jetson Orin (8.7) builds its own plan with `trustseg build`",
            )  # fmt: skip
    return PlanMachine(
        library="tensorrt_rtx", version=str(trt.__version__), gpu="",
        compute_capabilities=list(options.compute_capabilities), cuda="", driver="", l4t="",
    )  # fmt: skip


def _build(
    trt: Any, bundle: Bundle, place: PlanPlace, model: bytes, options: BuildOptions, progress: Progress
) -> tuple[bytes, list[str], bytes]:
    """(plan, flags, timing cache)."""
    log = QuietLog(trt)
    builder = trt.Builder(log.logger)
    network_flags, builder_flags = _flags(trt, place.precision)
    network = builder.create_network(sum(1 << int(flag) for _, flag in network_flags))
    parser = trt.OnnxParser(network, log.logger)
    if not parser.parse(model):
        first = parser.get_error(0).desc() if parser.num_errors else log.last()
        raise BackendError(
            f"TensorRT {trt.__version__} does not take the graph of bundle {bundle.card.name} ({place.precision})",
            got=" ".join(str(first).split())[:300], fix="export the bundle again; TensorRT 8.6 takes opset 17 at most",
        )  # fmt: skip
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_bytes)
    for _, flag in builder_flags:
        config.set_flag(flag)
    if options.compute_capabilities:
        config.num_compute_capabilities = len(options.compute_capabilities)
        for index, each in enumerate(options.compute_capabilities):
            config.set_compute_capability(getattr(trt.ComputeCapability, "SM" + each.replace(".", "")), index)
    timed = place.library == "tensorrt"  # TensorRT-RTX times nothing when it builds
    if timed:
        config.set_timing_cache(config.create_timing_cache(_old_timings(place)), ignore_mismatch=False)
    if hasattr(config, "progress_monitor") and hasattr(trt, "IProgressMonitor"):
        config.progress_monitor = _monitor(trt, progress)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise BackendError(
            f"TensorRT {trt.__version__} cannot build bundle {bundle.card.name} ({place.precision})", got=log.last()
        )
    timings = config.get_timing_cache() if timed else None
    flags = [name for name, _ in (*network_flags, *builder_flags)]
    return bytes(serialized), flags, bytes(timings.serialize()) if timings is not None else b""


def _flags(trt: Any, precision: str) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """Network and builder flags: strongly typed where it exists (from 10 on), else what lets 8.6 use short types."""
    kinds = trt.NetworkDefinitionCreationFlag
    if hasattr(kinds, "STRONGLY_TYPED"):
        return [("STRONGLY_TYPED", kinds.STRONGLY_TYPED)], []
    wanted = {"fp16": ("FP16", "PREFER_PRECISION_CONSTRAINTS"), "int8": ("INT8",)}.get(precision, ())
    builder = [(name, getattr(trt.BuilderFlag, name)) for name in wanted]
    return [("EXPLICIT_BATCH", kinds.EXPLICIT_BATCH)], builder


def _monitor(trt: Any, progress: Progress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Hands the builder's progress on."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps
            progress(phase_name, 0, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            progress(phase_name, step + 1, self._steps.get(phase_name, step + 1))
            return True

        def phase_finish(self, phase_name: str) -> None:
            progress(phase_name, self._steps.get(phase_name, 1), self._steps.get(phase_name, 1))

    return Monitor()


def _prove(bundle: Bundle, place: PlanPlace, plan: bytes) -> None:
    backend = TensorRtBackend(bundle, place.precision, library=place.library, place=place, plan=plan)
    try:
        result = golden_test(backend, bundle)
    finally:
        backend.close()
    if not result.passed:
        raise SelfTestError(
            f"the new plan of bundle {bundle.card.name} ({place.precision}) gives another result than it should",
            got=result.why, fix="it was not written; the plan that was there, if any, is as it was",
        )  # fmt: skip


def _old_timings(place: PlanPlace) -> bytes:
    try:
        return read_owned(place.timing_cache.resolve(), FILE_MAX_BYTES)
    except OSError:
        return b""


def _place(place: PlanPlace, manifest: PlanManifest, plan: bytes, timings: bytes) -> None:
    old = _old_plan(place)
    try:
        # Whatever the umask: a plan that others can write is not run.
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        _write(place.folder / manifest.plan, plan)
        if timings:
            _write(place.timing_cache, timings)
        _write(place.manifest, (manifest.model_dump_json(indent=1) + "\n").encode())
        if old and old != manifest.plan:
            (place.folder / old).unlink(missing_ok=True)
    except OSError as error:
        raise BackendError(
            f"cannot write {place.folder}", got=error.strerror or str(error),
            fix="set TRUSTSEG_PLANS to a folder that can be written",
        ) from error  # fmt: skip


def _old_plan(place: PlanPlace) -> str:
    try:
        return PlanManifest.model_validate_json(place.manifest.read_bytes()).plan
    except (OSError, ValueError):
        return ""


def _write(path: Path, data: bytes) -> None:
    """In one step, and writable by its owner alone: what others may write is not loaded."""
    with whole_file(path) as partial:
        partial.write_bytes(data)
        partial.chmod(0o644)
