# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults soak` and `fuzz`: a day's drive in short time, and malformed input by the million."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.files.json_document import print_json

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Seed = Annotated[int, typer.Option(min=0, help="Of everything random.")]


def soak(
    frames: Annotated[int, typer.Option(min=100, help="Frames; 2.6 million are a day at 30 Hz.")] = 2_600_000,
    bundle: Annotated[str, typer.Option(help="Bundle whose verdict and calibration judge; its graph stays shut.")] = (
        DEFAULT_BUNDLE
    ),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Take frames through checks, pipeline, messages, state machine and guard with a fake engine and clock.

    Exit code 1 when a frame had no or two statuses, memory, threads or files grew, or a flag was down wrongly.
    """
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.faults.rig.soak import Soak

    with _bar(frames) as show:
        result = Soak(load_bundle(bundle), seed).run(frames, show)
    slope, low, high = result.memory_slope()
    document = {
        "received": result.received, "processed": result.processed, "skipped": result.skipped,
        "rejected": result.rejected, "statuses": result.statuses, "accounting_exact": result.accounting_exact,
        "instances": result.instances, "resets": result.resets, "unsafe": result.unsafe, "states": result.states,
        "reasons": result.reasons, "wall_s": result.wall_s, "frames_per_s": result.received / result.wall_s,
        "memory_mb": [each.memory_bytes / 1e6 for each in (result.samples[0], result.samples[-1])],
        "memory_slope_mb_per_million_frames": {"value": slope / 1e6, "low": low / 1e6, "high": high / 1e6},
        "threads": [result.samples[0].threads, result.samples[-1].threads],
        "files": [result.samples[0].files, result.samples[-1].files], "grew": result.grew,
    }  # fmt: skip
    _show(document, as_json)
    if not result.accounting_exact or result.grew or result.unsafe:
        raise typer.Exit(1)


def fuzz(
    what: Annotated[
        str, typer.Argument(help="images, parameters, decoder (by coverage), or files: every reader of files.")
    ],
    count: Annotated[
        int, typer.Option(min=1, help="Messages, sets of parameters, runs of the decoder, or files.")
    ] = 1_000_000,
    seed: Seed = 0,
    readers: Annotated[
        str, typer.Option("--reader", metavar="NAME,...", help="Of files: only these readers (pictures,mcap). All.")
    ] = "",
    keep: Annotated[Path | None, typer.Option(help="Of files: folder for those that were read wrong.")] = None,
    as_json: AsJson = False,
) -> None:
    """Feed malformed input: nothing may crash, and nothing that contradicts itself may be accepted.

    Files are altered by structure and by coverage; each is read right or refused in one line. Decoder and files need
    requirements/fuzz.txt. Exit code 1 when anything else happened.
    """
    from trustseg.errors import InputError

    ways = {"images": _images, "parameters": _parameters, "decoder": _decoder}
    if what not in (*ways, "files"):
        raise InputError("what to fuzz", expected="images, parameters, decoder or files", got=repr(what))
    if what != "files" and (readers or keep is not None):
        raise InputError("--reader and --keep are for files", got=repr(what), fix="leave them out")
    with _bar(count) as show:
        if what == "files":
            from trustseg_lab.faults.fuzz.fuzz_files import fuzz_files

            document = fuzz_files(count, seed, show, [name for name in readers.split(",") if name], keep)
        else:
            document = ways[what](count, seed, show)
    _show(document, as_json)
    if document["crashes"] or document["wrong"]:
        raise typer.Exit(1)


def _images(count: int, seed: int, show: Callable[[int], None]) -> dict[str, Any]:
    from trustseg_lab.faults.fuzz_images import fuzz_images

    with _quiet_decoders():
        result = fuzz_images(count, seed, show)
    return {
        "messages": result.messages, "accepted": result.accepted, "rejected": result.rejected,
        "wrong": result.inconsistent, "crashes": result.crashes,
    }  # fmt: skip


def _parameters(count: int, seed: int, show: Callable[[int], None]) -> dict[str, Any]:
    from trustseg_lab.faults.rig.fuzz_parameters import fuzz_parameters

    result = fuzz_parameters(count, seed, show)
    return {
        "sets": result.sets, "at_start": result.at_start, "live": result.live, "accepted": result.accepted,
        "refused": result.refused, "wrong": result.wrong, "crashes": result.crashes,
    }  # fmt: skip


def _decoder(count: int, seed: int, show: Callable[[int], None]) -> dict[str, Any]:
    from trustseg_lab.faults.fuzz_decoder import fuzz_decoder

    with _quiet_decoders():
        return fuzz_decoder(count, seed)


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    console = PlainConsole(stderr=True)
    with Bars(console) as bar:
        task = bar.add_task("frames or messages", total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _quiet_decoders() -> Iterator[None]:
    """libjpeg and libpng write a line about every broken image to this process's stderr, unasked."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _show(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    console = PlainConsole(soft_wrap=True)
    for name, value in document.items():
        text = f"{value:.3f}" if isinstance(value, float) else str(value)
        console.print(f"{name.replace('_', ' ')}: {text}", markup=False)
