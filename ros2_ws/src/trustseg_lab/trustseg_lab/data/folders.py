# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The pictures of a folder: one rule of what counts as one, for every command."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trustseg.errors import InputError

# A file is taken for a picture by its name and read by its content. Some of these are refused by content, in words:
# passed over, they would be missing without a word.
IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2"}
)
# macOS puts one beside every file of a drive that keeps no attributes of its own (AppleDouble, RFC 1740).
COMPANION = "._"
CONTROLS = frozenset({"Cc", "Zl", "Zp"})  # categories of Unicode
# Folders of these names are parts of one data set: what is learned from one is measured on another.
PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "images", "labels"})


@dataclass(frozen=True)
class ImageFolder:
    """Picture files of a folder in order.

    Attributes:
        folder: as it was named. files: in order.
        companions: how many companion files ("._...") were passed over.
        inner: names of the sub-folders that the files lie in; empty where they lie in the folder itself.
    """

    folder: Path
    files: tuple[Path, ...]
    companions: int = 0
    inner: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What the user may not expect, one line; empty where there is nothing."""
        notes = []
        if self.inner:
            more = f" and {len(self.inner) - 8} more" if len(self.inner) > 8 else ""
            notes.append(f"{self.folder} is read with its sub-folders {', '.join(self.inner[:8])}{more}")
        if self.companions:
            told = f"{self.companions} files {COMPANION}* in {self.folder}"
            notes.append(f"{told} are macOS attributes and no images: passed over")
        return "; ".join(notes)


def list_images(
    folder: Path, what: str = "images", order: Callable[[Path], Any] | None = None, *, deep: bool = False
) -> ImageFolder:
    """The picture files of `folder`, sorted by `order`, by default by name.

    Args:
        folder: where they lie. what: names the pictures in the error. order: sort key of a path. deep: where the folder
            holds none itself, take those of its sub-folders (one a city or drive, as Cityscapes has them), no deeper,
            and none where these are the parts of a data set, which nobody mixes.

    Raises:
        InputError: no folder, one that cannot be read, or no picture in it.
    """
    try:
        if not folder.is_dir():
            found = "a file" if folder.exists() else "nothing of that name"
            raise InputError(f"no folder of {what}: {folder}", expected="a folder", got=found)
        named, inner = _images_of(folder), []
        if not named:
            inner = [each for each in sorted(folder.iterdir()) if each.is_dir() and not _is_foreign(each.name)]
            inner = [each for each in inner if _images_of(each)]
            parts = not PARTS.isdisjoint(each.name.lower() for each in inner)
            named = [path for each in inner for path in _images_of(each)] if deep and not parts else []
    except OSError as error:
        raise InputError(
            f"folder {folder} of {what} cannot be read", got=error.strerror or type(error).__name__,
            fix="check its permissions and those of the folders above it",
        ) from error  # fmt: skip
    files = tuple(sorted((path for path in named if not path.name.startswith(COMPANION)), key=order))
    if not files:
        got = f"{len(named)} files {COMPANION}*, which macOS writes" if named else "none"
        example = f", as {inner[0]}" if inner else ""
        raise InputError(
            f"no {what} in {folder}", expected="files ending in " + " ".join(sorted(IMAGE_SUFFIXES)), got=got,
            fix=f"name the folder that holds the images themselves{example}",
        )  # fmt: skip
    in_order = dict.fromkeys(path.parent.name for path in files if path.parent != folder)
    return ImageFolder(folder, files, len(named) - len(files), tuple(in_order))


def _images_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]


def _is_foreign(name: str) -> bool:
    """Whether a folder holds what systems keep for themselves: hidden ones, and that of macOS's archives."""
    return name.startswith(".") or name == "__MACOSX"


def shown(name: str) -> str:
    r"""A file's name as one line that can be written anywhere.

    Bytes that are no UTF-8 stand as \xDF, and controls and line ends as Python writes them.
    """
    return on_one_line(os.fsencode(name).decode("utf-8", "backslashreplace"))


def on_one_line(text: str) -> str:
    """Text of a file that anybody may have made, with controls and line ends as Python writes them."""
    return "".join(ascii(sign)[1:-1] if unicodedata.category(sign) in CONTROLS else sign for sign in text)


def passed_over(*folders: Path) -> list[str]:
    """What is passed over in each of the folders, one line each; one that cannot be read says so when it is read."""
    notes: list[str] = []
    for folder in dict.fromkeys(folders):
        with suppress(InputError):
            notes += [note for note in [list_images(folder, deep=True).note] if note]
    return notes


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key by which part_9 comes before part_10. Signs such as a superscript two are no digits to count by."""
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"([0-9]+)", path.name)]
