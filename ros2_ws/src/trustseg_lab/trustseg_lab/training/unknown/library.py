# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of things that are no class of a road scene, with a transparent background: unknown objects.

Emoji packages of the npm registry hold hundreds of animals, tools, foods and household things, two of them modelled in
three dimensions. They are fetched with the registry's own client, checked against the hashes below, and kept as one
array file outside the repository. Half of the packages and half of the things are held out: nothing is ever fitted on
them, and the figures that are published are of them. A thing is one Unicode name: the same name is in one half only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg.files.stored_arrays import read_arrays
from trustseg.files.whole_file import whole_file
from trustseg.imaging.stored_image import decode_image
from trustseg.types import UInt8Array

LARGEST = 112  # pixels: no pasted object is much larger at 480x360
VERSION = 1  # of the choice below: part of the file's name


@dataclass(frozen=True)
class Package:
    """A package of pictures: SHA-256 of its archive, folder of the pictures in it, whether it is held out."""

    name: str
    version: str
    sha256: str
    folder: str
    held_out: bool


PACKAGES = (
    Package(
        "@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
        "package/assets/", False,
    ),
    Package(
        "emoji-datasource-google", "16.0.0", "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
        "package/img/google/64/", False,
    ),
    Package(
        "emoji-datasource-facebook", "16.0.0", "017038cf5a4e7fcf03dd9133cbed43d4c281c4b3ce7b927c7160261b92b8821e",
        "package/img/facebook/64/", True,
    ),
)  # fmt: skip
NAMES = "package/emoji.json"  # of an emoji-datasource package: what each picture shows

# Kinds of things in the packages' own list. People, vehicles, plants, buildings, signs, flags and the sky are classes
# of a road scene, or look like them, and are left out.
SUBCATEGORIES = frozenset(
    (
        "animal-amphibian", "animal-bird", "animal-bug", "animal-mammal", "animal-marine", "animal-reptile",
        "book-paper", "clothing", "computer", "dishware", "drink", "food-asian", "food-fruit", "food-prepared",
        "food-sweet", "food-vegetable", "game", "hotel", "household", "lock", "mail", "medical", "music",
        "musical-instrument", "office", "phone", "science", "sport", "tool", "transport-air", "transport-water",
    )
)  # fmt: skip
SPACED = frozenset({"other-object", "light & video", "arts & crafts", "event"})
LEFT_OUT = frozenset(
    (
        "aerial_tramway", "bamboo", "bar_chart", "broccoli", "chart_with_downwards_trend",
        "chart_with_upwards_trend", "christmas_tree", "clubs", "coat", "diamonds", "dolls", "door", "dragon_face",
        "dress", "feet", "fireworks", "flags", "hearts", "herb", "identification_card", "jeans", "kimono",
        "lab_coat", "leafy_green", "loud_sound", "mahjong", "martial_arts_uniform", "mountain_cableway", "mute",
        "nesting_dolls", "performing_arts", "pig_nose", "placard", "restroom", "rice_scene",
        "running_shirt_with_sash", "safety_vest", "sari", "shirt", "sound", "spades", "sparkler", "sparkles",
        "speaker", "spider_web", "statue_of_liberty", "suspension_railway", "tanabata_tree", "window",
        "womans_clothes", "x-ray",
    )
)  # fmt: skip


def in_held_out_half(name: str) -> bool:
    """Whether the thing called `name` belongs to the half that nothing is fitted on: a bit of the name's hash."""
    return bool(hashlib.sha256(name.encode()).digest()[0] & 1)


def wanted(entry: dict[str, object]) -> bool:
    """Whether an entry of the packages' list is a thing that no class describes."""
    kind = entry["subcategory"]
    return (kind in SUBCATEGORIES or kind in SPACED) and entry["short_name"] not in LEFT_OUT


def fetch(package: Package, folder: Path) -> Path:
    """The package's archive in `folder`, fetched by `npm pack` where it is not there; InputError on another hash."""
    stem = f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"
    path = folder / stem
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
        except FileNotFoundError:
            raise InputError(
                "npm is not installed", fix="install Node.js, or put the archives into the folder"
            ) from None
        if done.returncode or not path.is_file():
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise InputError(f"cannot fetch {package.name}@{package.version}", got=said)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise InputError(f"{path}: SHA-256", expected=package.sha256, got=found, fix="remove it and fetch it again")
    return path


def names_of(archive: Path) -> dict[str, str]:
    """Code points ("1f9f8", no variation selectors) to names of the wanted things, by an emoji-datasource package."""
    with tarfile.open(archive) as opened:
        member = opened.extractfile(NAMES)
        if member is None:
            raise InputError(f"{archive} holds no {NAMES}")
        entries = json.load(member)
    return {plain(str(e["unified"]).lower()): str(e["short_name"]) for e in entries if wanted(e)}


def plain(code: str) -> str:
    """Code points without the variation selector that some packages leave out."""
    return "-".join(part for part in code.split("-") if part != "fe0f")


def trimmed(picture: UInt8Array) -> UInt8Array | None:
    """BGRA cut to what is not transparent, as RGBA, at most LARGEST pixels wide and high; None where nothing is."""
    if picture.ndim != 3 or picture.shape[2] != 4:
        return None
    solid = picture[:, :, 3] > 64
    if solid.mean() < 0.05:
        return None
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, [2, 1, 0, 3]]
    factor = LARGEST / max(cut.shape[:2])
    if factor < 1:
        cut = cv2.resize(cut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return np.ascontiguousarray(cut, np.uint8)


def images_of(package: Package, archive: Path, names: dict[str, str]) -> list[UInt8Array]:
    """The package's pictures of its half of the things, in the order of their code points."""
    found: list[UInt8Array] = []
    with tarfile.open(archive) as opened:
        members = [m for m in opened.getmembers() if m.isfile() and m.name.startswith(package.folder)]
        for member in sorted(members, key=lambda each: each.name):
            name = names.get(plain(Path(member.name).stem.lower()))
            stream = opened.extractfile(member)
            if name is None or stream is None or in_held_out_half(name) != package.held_out:
                continue
            read = decode_image(stream.read(), cv2.IMREAD_UNCHANGED, member.name)
            cut = None if read is None else trimmed(read.astype(np.uint8))
            if cut is not None:
                found.append(cut)
    return found


def library_path(folder: Path, held_out: bool) -> Path:
    """Where the library of one half is kept."""
    digest = hashlib.sha256(repr((VERSION, PACKAGES, sorted(LEFT_OUT), LARGEST)).encode()).hexdigest()[:12]
    return folder / f"objects_{'held_out' if held_out else 'fit'}_{digest}.npz"


def build(folder: Path) -> dict[str, int]:
    """Fetch the packages and write both halves under `folder`; how many pictures each half holds."""
    archives = {package.name: fetch(package, folder) for package in PACKAGES}
    listed = next(p for p in PACKAGES if p.name.startswith("emoji-datasource"))
    names = names_of(archives[listed.name])
    counts = {}
    for held_out in (False, True):
        pictures: list[UInt8Array] = []
        for package in PACKAGES:
            if package.held_out == held_out:
                pictures += images_of(package, archives[package.name], names)
        save(library_path(folder, held_out), pictures)
        counts["held out" if held_out else "fit"] = len(pictures)
    return counts


def save(path: Path, pictures: list[UInt8Array]) -> None:
    """Write pictures of several sizes as one array file, in one step."""
    sizes = np.array([p.shape[:2] for p in pictures], np.int64).reshape(-1, 2)
    joined = np.concatenate([p.reshape(-1) for p in pictures]) if pictures else np.zeros(0, np.uint8)
    with whole_file(path) as partial:
        np.savez_compressed(partial, sizes=sizes, pixels=joined)


def load(folder: Path, held_out: bool) -> list[UInt8Array]:
    """Pictures uint8 (h, w, 4) RGBA of one half; InputError where `build` has not been run for `folder`."""
    path = library_path(folder, held_out)
    if not path.is_file():
        raise InputError(
            f"no library of objects in {folder}", expected=path.name,
            fix=f"make it: python -m {__spec__.name if __spec__ else __name__} {folder}",
        )  # fmt: skip
    kept = read_arrays(path, f"library of objects {path}", ("sizes", "pixels"))
    sizes, pixels = kept["sizes"], kept["pixels"]
    ends = np.cumsum(sizes.prod(1) * 4)
    return [pixels[end - 4 * h * w : end].reshape(h, w, 4) for (h, w), end in zip(sizes, ends, strict=True)]


def main(arguments: list[str] | None = None) -> int:
    """Make the library in the folder that is named."""
    parser = argparse.ArgumentParser(description="Fetch pictures of objects that are no class, for training.")
    parser.add_argument("folder", type=Path, help="outside of the repository; about 200 MB while fetching")
    try:
        counts = build(parser.parse_args(arguments).folder)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(", ".join(f"{name}: {count} pictures" for name, count in counts.items()) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
