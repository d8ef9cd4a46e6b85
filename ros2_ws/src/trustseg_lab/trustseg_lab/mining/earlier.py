# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What an earlier `trustseg mine` left in its folder, and what people made of it since: their work is not replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trustseg.bundle.loading import sha256_hex
from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_json
from trustseg_lab.data.mined_set import CLASSES, IMAGES, LABELS, LIST, SHEET
from trustseg_lab.recordings.storage import one_line

SHA256 = "label_sha256"  # of a frame's proposed labels, in mined.json
FIX = "choose another --out, or move that folder"


def check_earlier(out: Path) -> None:
    """Refuse to replace labels that people have corrected.

    Raises:
        InputError: a label in `out` is not what the earlier run wrote or is gone, or nothing tells whether it is.
    """
    if not (out / LIST).is_file():
        return
    labels = _read(out)[0]
    if not all(labels.values()):
        raise InputError(f"{out} was mined by an earlier version: whether labels were corrected is not known", fix=FIX)
    corrected = 0
    for name, sha256 in labels.items():
        try:
            corrected += sha256_hex((out / LABELS / name).read_bytes()) != sha256
        except OSError:
            corrected += 1
    if corrected:
        raise InputError(f"{out}: {corrected} of {len(labels)} labels were corrected by hand", fix=FIX)


def wrote_of(out: Path) -> Callable[[Path], bool] | None:
    """Whether a file of `out`, by its path below it, is of the run that `out` is of; None where there was none.

    Raises:
        InputError: `mined.json` cannot be read.
    """
    if not (out / LIST).is_file():
        return None
    labels, exports = _read(out)
    own = {Path(LIST), Path(CLASSES), Path(SHEET), *(Path(kind) / name for kind in (IMAGES, LABELS) for name in labels)}
    return lambda path: path in own or path.parts[0] in exports


def _read(out: Path) -> tuple[dict[str, str], set[str]]:
    """File name -> hash of its label, empty where it is not told; and the exports."""
    try:
        document = parse_json((out / LIST).read_bytes())
        labels = {str(row["file"]): str(row.get(SHA256) or "") for row in document["frames"]}
        return labels, {str(each) for each in document["exports"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{out / LIST} cannot be read", got=one_line(error), fix=FIX) from error
