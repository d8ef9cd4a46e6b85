"""Puts a fitted calibration and verdict into a bundle: two files, then the card that binds them by hash."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustseg.bundle import CALIBRATION_VARIABLE, Bundle, sha256_hex
from trustseg.card import CalibrationFile, Card, VerdictFile
from trustseg.evaluation.json_document import json_ready, write_json, write_whole

VERDICT_FILE = "verdict.json"


@dataclass(frozen=True)
class FittedFiles:
    """What is to be written; a part that was not fitted is None and stays as it is in the bundle."""

    calibration: CalibrationFile | None
    verdict: VerdictFile | None
    quality: dict[str, Any]


def calibration_folder(bundle: Bundle) -> Path:
    """Folder that holds the calibration files of bundles beside this one."""
    named = os.environ.get(CALIBRATION_VARIABLE)
    if named:
        return Path(named)
    beside = bundle.path.parent
    return (beside.parent if beside.name == "engines" else beside) / "calibration"


def update_bundle(bundle: Bundle, precision: str, fitted: FittedFiles) -> list[Path]:
    """Write the files and, last, the card with their hashes; returns what was written.

    Raises:
        InputError: a file cannot be written.
    """
    card = bundle.card.model_dump(mode="json")
    written: list[Path] = []
    if fitted.calibration is not None:
        name = f"{bundle.card.name}/{precision}.json"
        path = calibration_folder(bundle) / name
        data = write_json(path, fitted.calibration.model_dump(mode="json"))
        card["calibration"] = {**card["calibration"], precision: {"file": name, "sha256": sha256_hex(data)}}
        written.append(path)
    if fitted.verdict is not None:
        fp32 = precision == "fp32"
        path = bundle.path / (VERDICT_FILE if fp32 else f"verdict_{precision}.json")
        data = write_json(path, fitted.verdict.model_dump(mode="json"))
        ref = {"file": path.name, "sha256": sha256_hex(data)}
        if fp32:
            card["verdict"] = ref
        else:
            card["verdicts"] = {**card["verdicts"], precision: ref}
        written.append(path)
    quality = json_ready(fitted.quality)
    card["quality"] = {**card["quality"], **(quality if precision == "fp32" else {precision: quality})}
    path = bundle.path / "card.json"
    write_whole(path, (Card.model_validate(card).model_dump_json(indent=1) + "\n").encode())
    return [*written, path]
