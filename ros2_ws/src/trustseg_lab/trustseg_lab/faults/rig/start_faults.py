# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults at the start: no camera at all, an engine that is missing, altered, or sound but not the one it should be."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np

from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import TrustSegError
from trustseg_lab.faults.rig.fault_rig import FaultRig
from trustseg_lab.faults.rig.planner_probe import ALONE
from trustseg_lab.faults.rig.stack import SEGMENTER

START_LIMIT_S = 60.0


@contextmanager
def no_camera(rig: FaultRig) -> Iterator[int]:
    """A monitor of its own, to which nobody ever says anything; the fault begins with its first verdict."""
    heard = rig.probe.hear_monitor_alone()
    arguments = ["trustseg_ros.monitor.node", "--ros-args", "-r", f"__ns:=/{ALONE}"]
    for name, value in rig.stack.parameters("monitor").items():
        arguments += ["-p", f"{name}:={value if name != 'latch_file' else Path(value).with_name('alone.json')}"]
    rig.stack.start_beside(ALONE, tuple(arguments))
    try:
        if not rig.probe.wait(lambda: len(heard) >= 2, START_LIMIT_S):
            raise TrustSegError("the monitor alone was not heard", got=rig.stack.last_words(ALONE))
        yield heard[0].at_ns
    finally:
        rig.stack.stop(ALONE)


def starts_with(alter: Callable[[Path, str], None]) -> Callable[[FaultRig], AbstractContextManager[int]]:
    """The segmenter is started again with an altered copy of its bundle; begins with the first verdict about it.

    Until the monitor has discovered the new node its silence keeps the flag up.
    """

    @contextmanager
    def maker(rig: FaultRig) -> Iterator[int]:
        probe, options = rig.probe, rig.stack.options
        folder = _copied(load_bundle(options.bundle), options.precision, options.work / "altered")
        alter(folder, options.precision)
        known = probe.known_instances()
        rig.stack.restart(SEGMENTER, bundle=str(folder))
        try:
            moment = probe.verdict_on_another(known, START_LIMIT_S)
            if moment is None:
                raise TrustSegError(
                    "the node with the altered bundle says nothing", got=rig.stack.last_words(SEGMENTER)
                )
            yield moment.at_ns
            rig.alive(SEGMENTER)
        finally:
            rig.stack.restart(SEGMENTER)

    return maker


def _copied(bundle: Bundle, precision: str, root: Path) -> Path:
    """A copy of a bundle and its calibration under `root`; the folder of the bundle."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(bundle.path, root / bundle.path.name)
    calibration = root / "calibration" / bundle.card.calibration[precision].file
    calibration.parent.mkdir(parents=True)
    shutil.copy(bundle.calibration_path(precision), calibration)
    return root / bundle.path.name


def _without_engine(folder: Path, precision: str) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / card["models"][precision]["file"]).unlink()


def _altered_engine(folder: Path, precision: str) -> None:
    """One bit of the graph, which keeps its size."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    model = folder / card["models"][precision]["file"]
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 0x01
    model.write_bytes(bytes(data))


def _other_golden(folder: Path, precision: str) -> None:
    """The bundle is whole and its hashes fit; only the engine does not give what its golden output says."""
    path = folder / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    # A graph of short arithmetic has an expected output of its own.
    own = card["models"][precision].get("expected")
    expected = folder / (own["file"] if own else card["golden"]["expected"])
    with np.load(expected, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays["labels"] = np.roll(arrays["labels"], arrays["labels"].shape[1] // 3, axis=1)
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    expected.write_bytes(written.getvalue())
    digest = hashlib.sha256(written.getvalue()).hexdigest()
    if own:
        own["sha256"] = digest
    else:
        card["golden"]["expected_sha256"] = digest
    path.write_text(json.dumps(card), encoding="utf-8")


START_FAULTS: dict[str, Callable[[FaultRig], AbstractContextManager[int]]] = {
    "no_camera": no_camera,
    "engine_missing": starts_with(_without_engine),
    "engine_altered": starts_with(_altered_engine),
    "golden_differs": starts_with(_other_golden),
}
