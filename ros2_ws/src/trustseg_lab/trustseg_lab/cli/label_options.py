# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options about labels that several commands share, said once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.data.find_labels import LabelWish

LABEL_FORMAT: Any = typer.Option(
    "--label-format",
    metavar="NAME[:FILE]",
    help="auto says what it found. Else ids, rgb:LEGEND, cityscapes, coco and others (docs/own_data.md).",
)
LABEL_CLASSES: Any = typer.Option(
    "--classes", metavar="PATH",
    help="classes.yaml whose `from` says which classes of the labels become the bundle's (docs/own_data.md).",
)  # fmt: skip
LABEL_NAMES: Any = typer.Option(
    metavar="IMAGE_END:LABEL_END",
    help="How label names differ, as _leftImg8bit:_gtFine_labelIds. Default: equal names, or a known form.",
)


def read_as(folders: Iterable[LabelledFolder], wish: LabelWish, err: Console) -> list[LabelledFolder]:
    """The folders with readers of their labels, said on `err`; InputError where labels cannot be used."""
    found = []
    for folder in folders:
        read, told = folder.read_as(wish)
        say(told, err)
        found.append(read)
    return found


def say(told: Iterable[str], err: Console) -> None:
    """Lines for the user."""
    for line in told:
        err.print(line, soft_wrap=True, markup=False, highlight=False)
