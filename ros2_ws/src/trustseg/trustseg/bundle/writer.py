# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Changes a bundle: new files beside the old ones, then the card that binds them by hash, then the old ones go.

Whenever the process is killed, the card on disk names files that are whole and as it says: the old ones or the new.
Bundles share one folder of calibrations: a file there that the card of another bundle names stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trustseg.bundle.calibration_file import CalibrationFile
from trustseg.bundle.card import Card, FileRef
from trustseg.bundle.loading import CALIBRATION_VARIABLE, Bundle, sha256_hex
from trustseg.bundle.verdict_file import VerdictFile
from trustseg.errors import InputError
from trustseg.files.json_document import json_ready, json_text
from trustseg.files.whole_file import write_whole

VERDICT_FILE = "verdict.json"
CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"  # what MC dropout, further training and a rewritten graph start from


@dataclass(frozen=True)
class FittedFiles:
    """What is to be written; a part that was not fitted is None and stays as it is in the bundle."""

    calibration: CalibrationFile | None
    verdict: VerdictFile | None
    quality: dict[str, Any]


class BundleEdit:
    """One change of the bundle in `folder` (made where it is missing); nothing of it holds before `finish`.

    Attributes:
        written: files so far, the card last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[Path] = []
        self._keys: list[tuple[Path, str]] = []
        self._interim: dict[tuple[Path, str], str] = {}  # (folder, name until the card is there) -> its lasting name
        self._old = _files_of(folder)

    def put(self, name: str, data: bytes) -> dict[str, Any]:
        """Write a file of the bundle; returns what the card says of it: file, sha256. InputError where it cannot."""
        return self._put(self.folder, name, data)

    def put_calibration(self, name: str, document: Any) -> dict[str, Any]:
        """As `put`, for a JSON document in the folder of calibrations.

        Raises:
            InputError: it cannot be written, or would take the place of one that another bundle's card names.
        """
        data, folder = json_text(document), calibration_beside(self.folder)
        if not _holds(folder / name, data):
            check_tables(self.folder, name)
        return self._put(folder, name, data)

    def put_json(self, name: str, document: Any) -> dict[str, Any]:
        """As `put`, for a JSON document."""
        return self.put(name, json_text(document))

    def finish(self, card: Mapping[str, Any]) -> Card:
        """Put the card in place, then remove what the old one named and this one does not; returns the card."""
        done = self._place(card)
        if self._interim:
            # The names of the old files are free now: the next card that is placed uses them.
            for (folder, interim), name in self._interim.items():
                write_whole(folder / name, (folder / interim).read_bytes())
            done = self._place(_renamed(card, {interim: name for (_, interim), name in self._interim.items()}))
            self._old |= {folder / interim for folder, interim in self._interim}
            self.written = [path.with_name(Path(self._interim[key]).name) if key in self._interim else path
                            for path, key in zip(self.written, self._keys, strict=True)]  # fmt: skip
        self.written.append(self.folder / CARD_FILE)
        for left in (self._old | self._stranded()) - _files_of(self.folder) - set(_tables_of_others(self.folder)):
            with suppress(OSError):
                left.unlink()
        return done

    def _stranded(self) -> set[Path]:
        """Files under interim names, of this change and of earlier ones that were stopped before their card."""
        found: set[Path] = set()
        for path in self.written:
            if path.parent == self.folder:
                found.update(path.parent.glob(f"{path.stem}-{'[0-9a-f]' * 8}{path.suffix}"))
        return found

    def _place(self, card: Mapping[str, Any]) -> Card:
        done = Card.model_validate(card)
        write_whole(self.folder / CARD_FILE, (done.model_dump_json(indent=1) + "\n").encode())
        return done

    def _put(self, folder: Path, name: str, data: bytes) -> dict[str, Any]:
        sha256 = sha256_hex(data)
        if folder / name in self._old and not _holds(folder / name, data):
            # The card in force needs the file of this name until a new card is there.
            stem, dot, suffix = name.rpartition(".")
            interim = f"{stem}-{sha256[:8]}{dot}{suffix}"
            self._interim[folder, interim] = name
            name = interim
        write_whole(folder / name, data)
        self.written.append(folder / name)
        self._keys.append((folder, name))
        return {"file": name, "sha256": sha256}


def calibration_folder(bundle: Bundle) -> Path:
    """Folder that holds the calibration files of bundles beside this one."""
    return calibration_beside(bundle.path)


def calibration_beside(bundle_folder: Path) -> Path:
    """Folder of the calibration files that belong to the bundle in `bundle_folder`."""
    named = os.environ.get(CALIBRATION_VARIABLE)
    if named:
        return Path(named)
    beside = bundle_folder.resolve().parent
    return (beside.parent if beside.name == "engines" else beside) / "calibration"


def table_name(bundle: str, precision: str) -> str:
    """Where in the folder of calibrations the confidence table of a bundle of that name lies."""
    return f"{bundle}/{precision}.json"


def check_tables(bundle_folder: Path, *names: str) -> None:
    """Before calibration files of these `names` are written for the bundle in `bundle_folder`.

    Raises:
        InputError: the card of another bundle names one of them, as that of a copy does.
    """
    calibration, others = calibration_beside(bundle_folder), _tables_of_others(bundle_folder)
    for name in names:
        other = others.get(calibration / name)
        if other is not None:
            raise InputError(
                f"{calibration / name} belongs to the bundle in {other} too", expected="a name of its own for each",
                fix=f"remove one of both; `trustseg export --bundle {bundle_folder} --whole --out OTHER` makes a copy "
                "with a name and tables of its own",
            )  # fmt: skip


def update_bundle(bundle: Bundle, precision: str, fitted: FittedFiles) -> list[Path]:
    """Write the files and, last, the card with their hashes; returns what was written.

    Raises:
        InputError: a file cannot be written.
    """
    card, edit = bundle.card.model_dump(mode="json"), BundleEdit(bundle.path)
    if fitted.calibration is not None:
        put_calibration(edit, card, precision, fitted.calibration)
    if fitted.verdict is not None:
        put_verdict(edit, card, precision, fitted.verdict)
    quality = json_ready(fitted.quality)
    card["quality"] = {**card["quality"], **(quality if precision == "fp32" else {precision: quality})}
    edit.finish(card)
    return edit.written


def put_calibration(edit: BundleEdit, card: dict[str, Any], precision: str, table: CalibrationFile) -> None:
    """Write the confidence table of `precision` and enter it in `card`."""
    name = table_name(card["name"], precision)
    card["calibration"] = {**card["calibration"], precision: edit.put_calibration(name, table.model_dump(mode="json"))}


def put_verdict(edit: BundleEdit, card: dict[str, Any], precision: str, verdict: VerdictFile) -> None:
    """Write the image verdict of `precision` and enter it in `card`."""
    document = verdict.model_dump(mode="json")
    if precision == "fp32":
        card["verdict"] = edit.put_json(VERDICT_FILE, document)
    else:
        card["verdicts"] = {**card["verdicts"], precision: edit.put_json(f"verdict_{precision}.json", document)}


def _files_of(folder: Path) -> set[Path]:
    """Files that the card in `folder` names; none where there is no valid card."""
    card = _card_in(folder)
    if card is None:
        return set()
    named = {card.golden.image, card.golden.expected, *(ref.file for ref in card.models.values())}
    named |= {ref.expected.file for ref in card.models.values() if ref.expected}
    refs: list[FileRef | None] = [card.verdict, *card.verdicts.values()]
    named |= {ref.file for ref in refs if ref}
    return {folder / name for name in named} | _tables_of(folder, card)


def _card_in(folder: Path) -> Card | None:
    try:
        return Card.model_validate_json((folder / CARD_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def _tables_of(folder: Path, card: Card) -> set[Path]:
    """Files in the folder of calibrations that `card`, the one in `folder`, names."""
    tables = [ref.file for ref in card.calibration.values()]
    tables += [told["calibration_images"]["file"] for told in card.export.values()
               if isinstance(told, dict) and "calibration_images" in told]  # fmt: skip
    calibration = calibration_beside(folder)
    return {calibration / name for name in tables}


def _tables_of_others(folder: Path) -> dict[Path, Path]:
    """Files that the cards of other bundles name in the folder of calibrations of the bundle in `folder`, and whose
    they are."""
    own, root = folder.resolve(), calibration_beside(folder).parent
    found: dict[Path, Path] = {}
    for place in dict.fromkeys((own.parent, root, root / "engines")):
        for path in sorted(place.glob(f"*/{CARD_FILE}")):
            other = path.parent.resolve()
            card = None if other == own else _card_in(other)
            if card is not None:
                found |= dict.fromkeys(_tables_of(other, card), other)
    return found


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """`value` (nested plain values) in which every text that is a key of `names` is what that stands for."""
    if isinstance(value, Mapping):
        return {key: _renamed(each, names) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value
