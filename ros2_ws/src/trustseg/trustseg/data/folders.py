"""The pictures of a folder: one rule of what counts as one, for every command."""

from __future__ import annotations

import os
import re
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


@dataclass(frozen=True)
class PictureFolder:
    """Picture files of a folder in order, and how many companion files ("._...") were passed over."""

    files: tuple[Path, ...]
    companions: int

    @property
    def note(self) -> str:
        """What was passed over, one line; empty where nothing was."""
        if not self.companions:
            return ""
        folder = self.files[0].parent if self.files else "the folder"
        return f"{self.companions} files {COMPANION}* in {folder} are macOS attributes and no pictures: passed over"


def list_pictures(folder: Path, what: str = "images", order: Callable[[Path], Any] | None = None) -> PictureFolder:
    """The picture files of `folder`, sorted by `order`, by default by name.

    Args:
        folder: is not searched deeper. what: names the pictures in the error. order: sort key of a path.

    Raises:
        InputError: no folder, one that cannot be read, or no picture in it.
    """
    try:
        if not folder.is_dir():
            found = "a file" if folder.exists() else "nothing of that name"
            raise InputError(f"no folder of {what}: {folder}", expected="a folder", got=found)
        named = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    except OSError as error:
        raise InputError(
            f"folder {folder} of {what} cannot be read", got=error.strerror or type(error).__name__,
            fix="check its permissions and those of the folders above it",
        ) from error  # fmt: skip
    files = tuple(sorted((path for path in named if not path.name.startswith(COMPANION)), key=order))
    if not files:
        got = f"{len(named)} files {COMPANION}*, which macOS writes" if named else "none"
        raise InputError(
            f"no {what} in {folder}", expected="files ending in " + " ".join(sorted(IMAGE_SUFFIXES)), got=got,
            fix="name the folder that holds the images themselves",
        )  # fmt: skip
    return PictureFolder(files, len(named) - len(files))


def shown(name: str) -> str:
    """A file's name as text that can be written anywhere: bytes that are no UTF-8 as \\xDF, all else as it is."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def passed_over(*folders: Path) -> list[str]:
    """What is passed over in each of the folders, one line each; one that cannot be read says so when it is read."""
    notes: list[str] = []
    for folder in dict.fromkeys(folders):
        with suppress(InputError):
            notes += [note for note in [list_pictures(folder).note] if note]
    return notes


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key by which part_9 comes before part_10. Signs such as a superscript two are no digits to count by."""
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"([0-9]+)", path.name)]
