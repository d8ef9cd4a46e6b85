# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The forms of an export by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trustseg.errors import InputError
from trustseg_lab.data.label_set import Named
from trustseg_lab.mining.exports.cityscapes import write_cityscapes
from trustseg_lab.mining.exports.coco import write_coco
from trustseg_lab.mining.exports.cvat import write_cvat
from trustseg_lab.mining.exports.label_studio import write_label_studio
from trustseg_lab.mining.exports.proposal import Proposal, check_names

# Name, which is that of its folder too -> what writes it.
FORMS: dict[str, Callable[[Proposal], None]] = {
    "cvat": write_cvat, "coco": write_coco, "cityscapes": write_cityscapes, "label-studio": write_label_studio
}  # fmt: skip


def check_export(forms: Sequence[str], classes: Sequence[Named]) -> None:
    """InputError for a form that there is not, or classes that cannot be named in it."""
    unknown = [form for form in forms if form not in FORMS]
    if unknown:
        raise InputError("--export", expected=f"some of {', '.join(FORMS)}", got=", ".join(map(repr, unknown)))
    if forms:
        check_names(classes)


def write_exports(forms: Sequence[str], proposal: Proposal) -> None:
    """Write each form once into a folder of its name."""
    for form in dict.fromkeys(forms):
        FORMS[form](proposal)
