# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What an earlier `trustseg mine` left in its folder, and what people made of it since: their work is not replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from trustseg.bundle.loading import sha256_hex
from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_json
from trustseg_lab.data.mined_set import CLASSES, IMAGES, LABELS, LIST, SHEET
from trustseg_lab.recordings.storage import one_line

SHA256 = "label_sha256"  # of a frame's proposed labels, in mined.json
EXPORTED = "export_sha256"  # of each exported file, by its path
FIX = "choose another --out, or move that folder"


def check_earlier(out: Path) -> None:
    """Refuse to replace labels that people have corrected, in `labels/` or in what was exported.

    Raises:
        InputError: a label or an exported file in `out` is not what the earlier run wrote or is gone, or nothing tells
            whether it is.
    """
    if not (out / LIST).is_file():
        return
    labels, exported = _read(out)
    if exported is None or not all(labels.values()):
        raise InputError(f"{out} was mined by an earlier version: whether labels were corrected is not known", fix=FIX)
    corrected = [name for name, sha256 in labels.items() if _sha256(out / LABELS / name) != sha256]
    if corrected:
        raise InputError(f"{out}: {len(corrected)} of {len(labels)} labels were corrected by hand", fix=FIX)
    changed = next((name for name, sha256 in exported.items() if _sha256(out / name) != sha256), None)
    if changed is not None:
        raise InputError(f"{out}: {changed}, which was exported, was changed or removed since", fix=FIX)


def exported_hashes(folder: Path, exports: Iterable[str]) -> dict[str, str]:
    """Path below `folder` of each file in the folders of the exports -> its SHA-256."""
    files = sorted(path for form in exports for path in (folder / form).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def wrote_of(out: Path) -> Callable[[Path], bool] | None:
    """Whether a file of `out`, by its path below it, is of the run that `out` is of; None where there was none.

    Raises:
        InputError: `mined.json` cannot be read.
    """
    if not (out / LIST).is_file():
        return None
    labels, exported = _read(out)
    own = {Path(LIST), Path(CLASSES), Path(SHEET), *(Path(kind) / name for kind in (IMAGES, LABELS) for name in labels)}
    own |= {Path(name) for name in exported or ()}
    return own.__contains__


def _sha256(path: Path) -> str:
    """Empty where there is no such file."""
    try:
        return sha256_hex(path.read_bytes())
    except OSError:
        return ""


def _read(out: Path) -> tuple[dict[str, str], dict[str, str] | None]:
    """File name -> hash of its label, empty where it is not told; path -> hash of what was exported, None likewise."""
    try:
        document = parse_json((out / LIST).read_bytes())
        labels = {str(row["file"]): str(row.get(SHA256) or "") for row in document["frames"]}
        exported = document.get(EXPORTED)
        if exported is None:
            return labels, None if document["exports"] else {}
        return labels, {str(name): str(sha256) for name, sha256 in exported.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{out / LIST} cannot be read", got=one_line(error), fix=FIX) from error
