# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One file that carries data to another machine: a ZIP archive of a size that is kept, with the hash of each file.

The same files give the same archive, to the byte. Nothing is taken out of one that is damaged, that holds what its list
does not name, or that leads out of the folder.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

from trustseg.errors import InputError
from trustseg.files.json_document import json_text
from trustseg.files.whole_file import whole_file
from trustseg_lab.data.documents import parse_json

LIST = "MANIFEST.json"
FORMAT = 1
MOST_LIST_BYTES = 16 << 20
MOST_UNPACKED_BYTES = 4 << 30
MEGABYTE = 1_000_000
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a ZIP archive can tell
AS_IT_IS = (".webp", ".png", ".jpg", ".jpeg", ".npz")  # compressed already


def pack(folder: Path, archive: Path, most_megabytes: float, about: dict[str, Any], leave_out: str) -> dict[str, float]:
    """Write the files below `folder` to `archive`; returns megabytes by what they are, "all" being the archive's.

    Args:
        most_megabytes: that it may have. about: told by `unpack`. leave_out: the way to a smaller one, told where it
            has more.

    Raises:
        InputError: larger, or cannot be written; no archive is left then.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": digest_of(folder / name)} for name in names}
    sizes: dict[str, float] = defaultdict(float)
    with whole_file(archive) as partial:
        with zipfile.ZipFile(partial, "w") as opened:
            _write(opened, LIST, json_text({"format": FORMAT, **about, "files": files}))
            for name in names:
                written = _write(opened, name, (folder / name).read_bytes())
                sizes["/".join(PurePosixPath(name).parts[:2])] += written / MEGABYTE
        sizes["all"] = partial.stat().st_size / MEGABYTE
        if sizes["all"] > most_megabytes:
            largest = sorted((size, name) for name, size in sizes.items() if name != "all")[:-4:-1]
            raise InputError(
                "the archive is too large", expected=f"at most {most_megabytes:g} MB",
                got=f"{sizes['all']:.1f} MB ({', '.join(f'{name} {size:.1f}' for size, name in largest)})",
                fix=leave_out,
            )  # fmt: skip
    return dict(sizes)


def _write(opened: zipfile.ZipFile, name: str, data: bytes) -> int:
    """Add a file; returns the bytes that it takes."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(AS_IT_IS) else zipfile.ZIP_DEFLATED
    opened.writestr(entry, data, compresslevel=9)
    return opened.infolist()[-1].compress_size


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Take everything out into `folder` and return the list; files that are there and right already stay.

    Raises:
        InputError: no archive of this kind, damaged, or with names that lead elsewhere. Files that were right by then
            stay, and a later call goes on.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            listed = _list(opened, archive)
            for name, told in listed["files"].items():
                target = folder / name
                if target.is_file() and target.stat().st_size == told["bytes"] and digest_of(target) == told["sha256"]:
                    continue
                with whole_file(target) as partial:
                    with opened.open(name) as source, partial.open("wb") as sink:
                        shutil.copyfileobj(source, sink)
                    got = digest_of(partial)
                    if got != told["sha256"]:
                        raise InputError(
                            f"{archive} is damaged: SHA-256 of {name}", expected=told["sha256"], got=got,
                            fix="carry it over again",
                        )  # fmt: skip
            return listed
    except FileNotFoundError:
        raise InputError(f"no such archive: {archive}", fix="make it: scripts/on_gpu.sh pack") from None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        what = str(error) or type(error).__name__
        raise InputError(f"{archive} cannot be read", got=what, fix="carry it over again") from None


def _list(opened: zipfile.ZipFile, archive: Path) -> dict[str, Any]:
    """The list of what is in it, held to what is in it."""
    entries = opened.infolist()
    stated = {entry.filename: entry.file_size for entry in entries}
    if stated.get(LIST, MOST_LIST_BYTES + 1) > MOST_LIST_BYTES:
        raise InputError(
            f"{archive} is none of these archives", expected=f"a list {LIST}", fix="scripts/on_gpu.sh pack"
        )
    try:
        listed: dict[str, Any] = parse_json(opened.read(LIST))
        files = {str(name): (int(told["bytes"]), str(told["sha256"])) for name, told in listed["files"].items()}
        version = listed["format"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{archive}: {LIST} makes no sense", got=type(error).__name__) from None
    if version != FORMAT:
        raise InputError(f"{archive}: format", expected=str(FORMAT), got=repr(version)[:40])
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or str(path) != name or name == LIST:
            raise InputError(f"{archive}: a name leads out of the folder", got=repr(name)[:80])
    if len(entries) != len(stated) or {**stated, LIST: 0} != {**{n: size for n, (size, _) in files.items()}, LIST: 0}:
        raise InputError(f"{archive} holds other files than its list names", fix="carry it over again")
    if sum(stated.values()) > MOST_UNPACKED_BYTES:
        raise InputError(f"{archive} unpacks to too much", expected=f"at most {MOST_UNPACKED_BYTES} bytes")
    return listed
