# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg verify`: would this bundle be admitted on this machine?"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from trustseg.backend_registry import AUTO, REGISTRY, backend_order
from trustseg.backends import Candidate, load_golden, try_backend
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.bundle.signature import configured_key
from trustseg.bundle.unknown_objects import unknown_objects_policy
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import BundleError
from trustseg.files.json_document import print_json
from trustseg.judgement import golden_proof


def verify(
    bundle: Annotated[
        str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")
    ] = DEFAULT_BUNDLE,
    backend: Annotated[
        str,
        typer.Option(
            help="Backends to try: auto (every one that is installed), or with commas some of "
            + ", ".join(REGISTRY)
            + "."
        ),
    ] = AUTO,
    precision: Annotated[str, typer.Option(help="Precision of the graph, as named by the card.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the backend.")] = 2,
    budget_ms: Annotated[
        float, typer.Option(min=0, help="Longest engine call that is admitted, ms; 0: any time.")
    ] = 0.0,
    public_key: Annotated[
        Path | None,
        typer.Option(help="Ed25519 key, PEM, that the card must be signed with. Default: TRUSTSEG_PUBLIC_KEY."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
) -> None:
    """The admission gate: signature, every hash, plan manifests, golden image (engine and judgement) and speed; exit
    code 1 when refused."""
    names = backend_order(backend)
    loaded = load_bundle(bundle, public_key=public_key)
    key = public_key or configured_key()
    loaded.model(precision)
    files = check_files(loaded, precision)
    candidates: list[Candidate] = []
    if all(problem == "" for _, problem in files):
        for name in names:
            candidate, engine = try_backend(name, loaded, precision, threads, budget_ms)
            candidates.append(candidate)
            if engine is not None:
                engine.close()
    if key is not None:
        files.insert(0, (f"signature by {key.name}", ""))  # else loading had failed
    passed = bool(candidates) and all(c.passed or c.missing for c in candidates) and any(c.passed for c in candidates)
    if as_json:
        print_json(_document(loaded, precision, files, candidates, passed))
    else:
        _print(loaded, precision, files, candidates, passed)
    if not passed:
        raise typer.Exit(1)


def check_files(bundle: Bundle, precision: str) -> list[tuple[str, str]]:
    """(what, problem) of every file that the card names for `precision`; an empty problem means it is sound."""
    checks: dict[str, Callable[[], object]] = {
        "model": lambda: bundle.model_bytes(precision),
        "verdict model": lambda: bundle.verdict(precision),
        "calibration": lambda: bundle.calibration(precision),
        "golden image": lambda: load_golden(bundle, precision),
        "judgement": lambda: golden_proof(bundle, precision),
    }
    found: list[tuple[str, str]] = []
    for what, check in checks.items():
        if what == "judgement" and any(problem for _, problem in found):
            continue  # of altered files, which the lines above name
        try:
            check()
            found.append((what, ""))
        except BundleError as error:
            found.append((what, str(error)))
    return found


def _golden_verdict(bundle: Bundle, precision: str) -> dict[str, object]:
    """What table and verdict model make of the golden output: equal on every machine."""
    proof = golden_proof(bundle, precision)
    return {
        "failure_score": proof.verdict.failure_score,
        "predicted_miou": proof.verdict.predicted_miou,
        "miou_lower_bound": proof.verdict.miou_lower_bound,
        "mean_confidence": proof.verdict.mean_confidence,
        "confidence_crc32": zlib.crc32(proof.confidence.tobytes()),
    }


def _document(
    bundle: Bundle, precision: str, files: list[tuple[str, str]], candidates: list[Candidate], passed: bool
) -> dict[str, object]:
    def finite(value: float) -> float | None:
        return value if abs(value) < float("inf") else None

    return {
        "bundle": bundle.card.name,
        "path": str(bundle.path),
        "precision": precision,
        "model_sha256": bundle.model(precision).sha256,
        "passed": passed,
        "golden_verdict": _golden_verdict(bundle, precision) if not any(problem for _, problem in files) else None,
        "unknown_objects": None if any(problem for _, problem in files) else unknown_objects_policy(bundle, precision),
        "files": [{"file": what, "passed": not problem, "why": problem} for what, problem in files],
        "backends": [
            {
                "name": c.name,
                "passed": c.passed,
                "missing": c.missing,
                "why": c.why,
                "mask_agreement": finite(c.golden.mask_agreement) if c.golden else None,
                "confidence_mean_abs": finite(c.golden.confidence_mean_abs) if c.golden else None,
                "features_rel": finite(c.golden.features_rel) if c.golden else None,
                "engine_ms": finite(c.golden.engine_ms) if c.golden else None,
            }
            for c in candidates
        ],
    }


def _print(
    bundle: Bundle, precision: str, files: list[tuple[str, str]], candidates: list[Candidate], passed: bool
) -> None:
    console = PlainConsole()
    table = Table(title=f"{bundle.card.name} ({precision})")
    for heading in ("check", "verdict", "mask", "confidence", "features", "engine"):
        table.add_column(heading, justify="left" if heading in ("check", "verdict") else "right", no_wrap=True)
    for what, problem in files:
        table.add_row(what, "refused" if problem else "sound", "", "", "", "")
    for c in candidates:
        golden = c.golden
        figures = (
            ["", "", "", ""]
            if golden is None
            else [
                f"{100 * golden.mask_agreement:.2f} %",
                f"{golden.confidence_mean_abs:.2f} off",
                f"{golden.features_rel:.1g} off",
                f"{golden.engine_ms:.1f} ms",
            ]
        )
        table.add_row(c.name, "passed" if c.passed else "not installed" if c.missing else "refused", *figures)
    console.print(table)
    problems = [problem for _, problem in files if problem]
    problems += [f"{c.name}: {c.why}" for c in candidates if not c.passed]
    for problem in problems:
        console.print(problem, markup=False, soft_wrap=True)
    if not any(problem for _, problem in files):
        console.print(unknown_objects_policy(bundle, precision), soft_wrap=True)
    limits = bundle.tolerances(precision)
    console.print(
        f"{'admitted' if passed else 'refused'}: the golden image must be reproduced to {limits.mask_agreement:.1%} of "
        f"the mask, {limits.confidence_mean_abs:g} confidence codes, {limits.features_rel:g} of each feature",
        soft_wrap=True,
    )
