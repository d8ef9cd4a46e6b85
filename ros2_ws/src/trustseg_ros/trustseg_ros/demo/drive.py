"""A drive ready to be published: a folder of pictures and the list that says which one goes out in which slot."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from trustseg_ros.demo.script import Script, Trouble

DRIVE_FILE = "drive.json"


@dataclass(frozen=True)
class Slot:
    """One frame time of a drive.

    Attributes:
        image: file of the picture that is published (JPEG or PNG), None where the stream has stopped.
        label: file of the true classes of what the camera should have seen (uint8 PNG, 255 unlabelled), None if unknown.
    """

    image: str | None
    label: str | None = None


@dataclass(frozen=True)
class Drive:
    """Slots at a fixed rate.

    Attributes:
        name: what the drive shows, for people.
        rate_hz: slots a second.
        slots: one a frame time.
        troubles: what is injected, in order of time.
        classes: names of the label ids 0, 1 ..., empty where nothing is labelled.
        folder: what relative paths of the slots are relative to; it holds `drive.json`.
    """

    name: str
    rate_hz: float
    slots: tuple[Slot, ...]
    troubles: tuple[Trouble, ...]
    classes: tuple[str, ...]
    folder: Path

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.slots) / self.rate_hz

    @property
    def labelled(self) -> bool:
        """Whether the truth is known."""
        return any(slot.label for slot in self.slots)

    @property
    def script(self) -> Script:
        """The drive's times and troubles."""
        return Script(self.rate_hz, self.duration_s, self.troubles)

    def image_path(self, slot: int) -> Path | None:
        """Picture published in `slot`, None in a gap."""
        image = self.slots[slot].image
        return None if image is None else self.folder / image

    def label_path(self, slot: int) -> Path | None:
        """True classes at `slot`, None where unknown."""
        label = self.slots[slot].label
        return None if label is None else self.folder / label

    def save(self, folder: Path) -> Path:
        """Write `drive.json` into `folder`, against which relative paths will hold; returns its path."""
        path = folder / DRIVE_FILE
        content = {
            "name": self.name,
            "rate_hz": self.rate_hz,
            "slots": [asdict(slot) for slot in self.slots],
            "troubles": [asdict(trouble) for trouble in self.troubles],
            "classes": list(self.classes),
        }
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def load_drive(folder: Path) -> Drive:
    """Read the drive that `Drive.save` wrote into `folder`."""
    content = json.loads((folder / DRIVE_FILE).read_text(encoding="utf-8"))
    return Drive(
        name=content["name"],
        rate_hz=content["rate_hz"],
        slots=tuple(Slot(**slot) for slot in content["slots"]),
        troubles=tuple(Trouble(**trouble) for trouble in content["troubles"]),
        classes=tuple(content["classes"]),
        folder=folder,
    )


def with_camera_troubles(slots: tuple[Slot, ...], script: Script) -> tuple[Slot, ...]:
    """Freeze and stop the stream where the script says so.

    While frozen the picture before the trouble goes out again and again; the labels stay those of the road as it really
    is by then. While stopped nothing goes out.
    """
    changed = list(slots)
    for trouble in script.troubles:
        inside = [i for i in range(len(slots)) if trouble.covers(script.time_s(i))]
        if trouble.kind == "frozen" and inside and inside[0] > 0:
            last_live = slots[inside[0] - 1].image
            for i in inside:
                changed[i] = Slot(last_live, slots[i].label)
        elif trouble.kind == "stop":
            for i in inside:
                changed[i] = Slot(None, None)
    return tuple(changed)
