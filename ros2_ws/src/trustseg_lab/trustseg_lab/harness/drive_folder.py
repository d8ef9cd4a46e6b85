# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A drive ready to be published: a folder of pictures, one a frame time, and what happens on the way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_json
from trustseg_lab.harness.script import Script, Trouble

DRIVE_FILE = "drive.json"
IMAGES, LABELS = "images", "labels"
# What the camera process calls the troubles that are its own; the others are in the pictures or befall the node.
CAMERA_TROUBLES = {"frozen": "freeze", "stop": "stop"}


@dataclass(frozen=True)
class Drive:
    """Pictures at a fixed rate; slot i is the one that is due i / rate seconds after the first.

    Attributes:
        name: what the drive shows, for people.
        rate_hz: slots a second.
        slots: number of pictures, `images/*.jpg` in the order of their names.
        troubles: what is injected, in order of time.
        classes: names of the label ids 0, 1 ... of `labels/*.png` (uint8, 255 unlabelled), empty where there are none.
        folder: holds images, labels and `drive.json`.
        compressed: it is sent as CompressedImage, as it was recorded: a message that cannot be decoded can be sent
            in no other way.
        film: it is made of a film, which repeats pictures exactly where nothing moves.
    """

    name: str
    rate_hz: float
    slots: int
    troubles: tuple[Trouble, ...]
    classes: tuple[str, ...]
    folder: Path
    compressed: bool = False
    film: bool = False

    @property
    def mode(self) -> str:
        """Of the segmenter: `sim`, as in a replay, takes no picture of a film that comes again for a frozen camera.

        Not where the script has a frozen camera, which would not be found.
        """
        return "sim" if self.film and all(each.kind != "frozen" for each in self.troubles) else "live"

    @property
    def transport(self) -> str:
        """As the nodes' parameter `image_transport` has it."""
        return "compressed" if self.compressed else "raw"

    @property
    def labelled(self) -> bool:
        """Whether the truth is known."""
        return bool(self.classes)

    @property
    def script(self) -> Script:
        """The drive's times and troubles."""
        return Script(self.rate_hz, self.slots / self.rate_hz, self.troubles)

    def image_path(self, slot: int) -> Path:
        """Picture of `slot`."""
        return self.folder / IMAGES / image_name(slot)

    def label_path(self, slot: int) -> Path | None:
        """True classes of what is before the camera at `slot`, None where unknown."""
        return self.folder / LABELS / label_name(slot) if self.classes else None

    def save(self) -> None:
        """Write `drive.json`, which makes the folder a whole drive."""
        content = asdict(self)
        del content["folder"]
        (self.folder / DRIVE_FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")

    def camera_schedule(self) -> list[dict[str, object]]:
        """The troubles that the camera process makes itself, as it wants to read them."""
        return [
            {"kind": CAMERA_TROUBLES[t.kind], "start_s": t.start_s, "end_s": t.end_s}
            for t in self.troubles
            if t.kind in CAMERA_TROUBLES
        ]


def image_name(slot: int) -> str:
    """File name of a picture; sorts in the order of the slots."""
    return f"{slot:06d}.jpg"


def label_name(slot: int) -> str:
    """File name of the labels of a slot."""
    return f"{slot:06d}.png"


def load_drive(folder: Path) -> Drive:
    """Read the drive that `Drive.save` wrote into `folder`; InputError where it is not there, or damaged."""
    try:
        content = parse_json((folder / DRIVE_FILE).read_bytes())
        return Drive(
            name=content["name"],
            rate_hz=content["rate_hz"],
            slots=content["slots"],
            troubles=tuple(Trouble(**trouble) for trouble in content["troubles"]),
            classes=tuple(content["classes"]),
            folder=folder,
            compressed=content.get("compressed", False),  # rendered drives are kept for longer than one version
            film=content.get("film", False),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder / DRIVE_FILE} cannot be read", got=" ".join(str(error).split())) from error
