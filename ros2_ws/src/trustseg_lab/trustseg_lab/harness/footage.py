# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The user's own footage as a drive: a video, a bag, or a folder of images, read as `trustseg replay` reads them.

Frames are taken at the drive's rate and written into a scratch folder; what is a JPEG already is copied as it is. What
the node refuses is a frame of the drive too, and a pause of the footage is one of the drive.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from trustseg.bounds import SECOND
from trustseg.errors import FrameRejected, InputError
from trustseg.frames import check_format, decode_compressed, decode_pixels
from trustseg.imaging.image_header import JPEG_START
from trustseg.imaging.orientation import UPRIGHT, orientation_of
from trustseg.reasons import Reason
from trustseg.types import UInt8Array
from trustseg_lab.harness.drive_folder import IMAGES, Drive, image_name
from trustseg_lab.harness.refused import Refused, refused_message, unpacked
from trustseg_lab.harness.script import plan_script
from trustseg_lab.recordings.image_folder import FolderSource
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.recorded_image import ImageSource, RecordedImage
from trustseg_lab.recordings.sources import onward_images, open_sources, recording_of, stated_period_ns

JPEG_QUALITY = 95
DEFAULT_RATE_HZ = 10.0
DEFAULT_LIMIT_S = 60.0
# Frames further apart than this many periods of the drive have a pause between them; jitter is no pause. The flag is up
# long before the longest pause is over: the drive need not wait as long as the recording did.
PAUSE_PERIODS = 1.75
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True)
class TimedFrame:
    """A frame of the footage.

    Attributes:
        time_s: seconds after the first one.
        image: its picture (uint8 BGR (H, W, 3)), a JPEG's bytes, or what the node refuses.
    """

    time_s: float
    image: UInt8Array | bytes | Refused


@dataclass(frozen=True)
class FootageOptions:
    """What the user asked for.

    Attributes:
        topic: image topic of a bag; None takes the only one there is.
        rate_hz: frames a second; None takes 10, or the footage's own rate where that is lower.
        limit_s: seconds taken from the start.
        kinds: troubles, of those that need no renderer.
    """

    topic: str | None = None
    rate_hz: float | None = None
    limit_s: float = DEFAULT_LIMIT_S
    kinds: tuple[str, ...] = ()


@dataclass
class Footage:
    """Footage that is being read.

    Attributes:
        source: what it is read from.
        rate_hz: its own rate, by the median of the steps; 0: it has no times and follows the drive's rate.
        refused: reason -> frames that the node refuses, so far; first_refused: why, of the first one.
    """

    source: ImageSource
    rate_hz: float
    refused: Counter[str] = field(default_factory=Counter)
    first_refused: str = ""
    _onward: OnwardTime = field(init=False, default_factory=OnwardTime)

    def frames(self) -> Iterator[TimedFrame]:
        """All frames in order; the source is closed at their end."""
        first_ns: int | None = None
        self._onward = OnwardTime()
        try:
            for recorded in onward_images(self.source, self._onward):
                first_ns = recorded.time_ns if first_ns is None else first_ns
                yield TimedFrame((recorded.time_ns - first_ns) / SECOND, self._image(recorded))
        finally:
            self.source.close()

    def notes(self) -> list[str]:
        """What the user must know about what was read, one line each."""
        note = self.source.note if isinstance(self.source, FolderSource) else ""
        lines = [note] if note else []
        lines += [f"not all of it could be read: {line}" for line in self.source.losses]
        lines += self._onward.told()
        if self.refused:
            told = ", ".join(f"{name} {count}" for name, count in self.refused.most_common())
            lines.append(f"images that the node refuses: {told}; the first: {self.first_refused}")
        return lines

    def _image(self, recorded: RecordedImage) -> UInt8Array | bytes | Refused:
        message = recorded.message
        try:
            if recorded.compressed:
                check_format(str(message.format))
                data = bytes(message.data)
                image, color_order = decode_compressed(data)
                # A tag would turn the copy, which is read as a file. What a camera sends is turned nowhere.
                if data.startswith(JPEG_START) and orientation_of(data) == UPRIGHT:
                    return data
            else:
                layout = (message.height, message.width, message.step, message.encoding)
                image, color_order = decode_pixels(message.data, *layout)
        except FrameRejected as error:
            self.refused[Reason(error.reason).first()] += 1
            self.first_refused = self.first_refused or f"{recorded.name or f'image {recorded.index}'}: {error}"
            return refused_message(message, recorded.compressed, Reason(error.reason))
        return np.ascontiguousarray(image if color_order == "bgr" else image[..., ::-1])


def footage_drive(
    source: Path, options: FootageOptions, folder: Path, progress: Callable[[float], object] = lambda seconds: None
) -> tuple[Drive, tuple[str, ...], list[str]]:
    """Read footage into `folder` and make a drive of it.

    Args:
        source: video file, bag or folder of images.
        options: what the user asked for.
        folder: an empty scratch folder.
        progress: called with the seconds read so far.

    Returns:
        The drive, the troubles that did not fit into it, and lines for the user about what was read.

    Raises:
        InputError: nothing there, nothing in it that can be read, or a rate above the footage's own.
    """
    footage = open_footage(source, options.topic)
    own_rate_hz = footage.rate_hz
    rate_hz = options.rate_hz or min(DEFAULT_RATE_HZ, own_rate_hz or DEFAULT_RATE_HZ)
    if own_rate_hz and rate_hz > own_rate_hz * 1.05:
        footage.source.close()
        raise InputError(
            f"--rate {rate_hz:g} is above the footage's own rate", expected=f"at most {own_rate_hz:g} frames a second",
            fix="repeated images would look like a frozen camera",
        )  # fmt: skip
    (folder / IMAGES).mkdir(parents=True)
    slots, compressed = 0, False
    for frame in at_rate(footage.frames(), rate_hz, own_rate_hz):
        if slots / rate_hz >= options.limit_s:
            break
        _keep(folder / IMAGES / image_name(slots), None if frame is None else frame.image)
        compressed = compressed or (frame is not None and isinstance(frame.image, Refused) and frame.image.compressed)
        slots += 1
        progress(slots / rate_hz)
    if slots == 0:
        lost = footage.source.losses
        raise InputError(f"{source} holds no image that can be read", got=lost[0] if lost else "")
    script, left_out = plan_script(options.kinds, rate_hz, slots / rate_hz)
    drive = Drive(source.name, rate_hz, slots, script.troubles, (), folder, compressed, footage.source.repeats)
    drive.save()
    return drive, left_out, footage.notes()


def open_footage(source: Path, topic: str | None) -> Footage:
    """The frames of `source`; InputError where there are none, or the topic does not fit."""
    opened = open_sources(recording_of(source), [] if topic is None else [topic], every_topic=False, rate_hz=None)[0]
    timed = not isinstance(opened, FolderSource) and opened.count != 1
    return Footage(opened, SECOND / stated_period_ns(opened) if timed else 0.0)


def drive_frames(folder: Path) -> Iterator[UInt8Array | bytes | Refused | None]:
    """What `footage_drive` or the renderer wrote into `folder`, slot by slot; None: no picture is due."""
    for path in sorted((folder / IMAGES).glob("*.jpg")):
        data = path.read_bytes()
        yield (unpacked(data) or data) if data else None


def at_rate(frames: Iterator[TimedFrame], rate_hz: float, own_rate_hz: float) -> Iterator[TimedFrame | None]:
    """One frame per period: the newest whose time has come; frames without times one after the other.

    None stands for each period of a pause. No frame is given twice.
    """
    if own_rate_hz <= 0:
        yield from frames
        return
    before_s: float | None = None
    for frame in _chosen(frames, rate_hz, own_rate_hz):
        periods = 0.0 if before_s is None else (frame.time_s - before_s) * rate_hz
        if periods >= PAUSE_PERIODS:
            yield from [None] * min(round(periods) - 1, round(LONGEST_PAUSE_S * rate_hz))
        before_s = frame.time_s
        yield frame


def _chosen(frames: Iterator[TimedFrame], rate_hz: float, own_rate_hz: float) -> Iterator[TimedFrame]:
    due = 0
    pending: TimedFrame | None = None
    tolerance_s = 0.25 / own_rate_hz
    for frame in frames:
        if pending is not None and frame.time_s > due / rate_hz + tolerance_s:
            yield pending
            due = max(due + 1, math.ceil((frame.time_s - tolerance_s) * rate_hz))
        pending = frame
    if pending is not None:
        yield pending


def _keep(path: Path, image: UInt8Array | bytes | Refused | None) -> None:
    try:
        if image is None or isinstance(image, bytes):
            path.write_bytes(image or b"")
        elif isinstance(image, Refused):
            path.write_bytes(image.packed())
        elif not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise OSError(28, "No space left on device")
    except OSError as error:
        raise InputError(f"cannot write {path}", got=error.strerror or str(error), fix="free some space") from error
