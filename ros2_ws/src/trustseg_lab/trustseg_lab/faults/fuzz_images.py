# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Malformed image messages by the million: no crash, and none accepted whose fields contradict each other.

Messages are made from a seed. What may be accepted is decided here a second time, from the text of the message
definitions and not from the validator's code.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.reasons import Mode, Reason

NOW_NS = 1_700_000_000 * SECOND
MAX_PIXELS = 1 << 20
STREAM = 500  # messages of one stream; then another begins
# Bytes a pixel, and whether width or height must be even, of what sensor_msgs/image_encodings.hpp defines and a colour
# image can be made of; chroma rows follow the picture of NV12 and NV21 at half its height, of NV24 at twice its height.
DEFINED: dict[str, tuple[int, bool, bool]] = {
    "rgb8": (3, False, False), "bgr8": (3, False, False), "8UC3": (3, False, False), "rgba8": (4, False, False),
    "bgra8": (4, False, False), "mono8": (1, False, False), "8UC1": (1, False, False), "yuv422": (2, True, False),
    "uyvy": (2, True, False), "yuv422_yuy2": (2, True, False), "yuyv": (2, True, False), "nv12": (1, True, True),
    "nv21": (1, True, True), "nv24": (1, False, False), "8UC4": (4, False, False),
    "bayer_rggb8": (1, True, True), "bayer_bggr8": (1, True, True), "bayer_gbrg8": (1, True, True),
    "bayer_grbg8": (1, True, True),
}  # fmt: skip
STRANGE_ENCODINGS = (
    "",
    "rgb16",
    "mono16",
    "32FC1",
    "RGB8",
    "rgb8 ",
    "jpeg",
    "\x00",
    "8UC2",
    "é" * 50,
    "i420",
    "bgr8; x",
)
STRANGE_NUMBERS = (0, 1, 2, 3, 7, 8, 15, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
STRANGE_SECONDS = (0, -1, 1, -1000, 1000, -(2**31), 2**31)
STRANGE_NANOSECONDS = (0, 999_999_999, 10**9, 2**32 - 1)


@dataclass
class FuzzResult:
    """What became of the messages.

    Attributes:
        messages, accepted: taken in; given on as frames.
        rejected: by the reason's name.
        inconsistent: accepted although their fields contradict each other (text of the first ones).
        crashes: anything but a rejection that was raised (text of the first ones).
    """

    messages: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    inconsistent: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)


def fuzz_images(count: int, seed: int = 0, on_step: Callable[[int], None] = lambda done: None) -> FuzzResult:
    """Take `count` messages, half raw and half compressed, through intake and decoder; `on_step` hears the progress."""
    result = FuzzResult()
    rng = np.random.default_rng(seed)
    bounds = derive_bounds(33 * MS, 50 * MS)
    while result.messages < count:
        for compressed in (False, True):
            intake = FrameIntake(IntakeConfig(Mode.LIVE, compressed, MAX_PIXELS, True), bounds)
            newest = 0
            now_ns = NOW_NS
            for message in _stream(rng, compressed, min(STREAM, count - result.messages)):
                now_ns += 33 * MS
                newest = _take(intake, message, now_ns, newest, compressed, result)
        on_step(result.messages)
    return result


def _take(
    intake: FrameIntake, message: Any, now_ns: int, newest: int, compressed: bool, result: FuzzResult
) -> int:  # fmt: skip
    result.messages += 1
    stamp = message.header.stamp
    if not stamp.sec and not stamp.nanosec:
        stamp.nanosec = now_ns % SECOND
    stamp.sec += now_ns // SECOND
    try:
        intake.check(message, now_ns, now_ns)
        frame = intake.decode(message)
    except FrameRejected as error:
        name = str(Reason(error.reason).name)
        result.rejected[name] = result.rejected.get(name, 0) + 1
        return newest
    except Exception as error:  # the subject of the search
        _keep(result.crashes, f"{type(error).__name__}: {error}; {described(message)}")
        return newest
    result.accepted += 1
    stamp_ns = int(stamp.sec) * SECOND + int(stamp.nanosec)
    why = (compressed_fault if compressed else raw_fault)(message, frame.image)
    if not 0 <= stamp.nanosec < SECOND or stamp_ns <= newest or abs(now_ns - stamp_ns) > 10 * SECOND:
        why = why or f"stamp {stamp_ns} after {newest} at {now_ns}"
    if why:
        _keep(result.inconsistent, f"{why}; {described(message)}")
    return stamp_ns


def rows_of(encoding: str, height: int) -> int:
    """Rows of all planes of an encoding in `DEFINED`."""
    return height * {"nv12": 3, "nv21": 3, "nv24": 6}.get(encoding, 2) // 2


def raw_fault(message: Any, image: np.ndarray[Any, Any]) -> str:
    """Why an Image that was accepted must not have been; empty when it is consistent."""
    known = DEFINED.get(message.encoding)
    if known is None:
        return "unknown encoding"
    size, even_width, even_height = known
    height, width = message.height, message.width
    if not height or not width or height * width > MAX_PIXELS:
        return "size"
    if (even_width and width % 2) or (even_height and height % 2):
        return "half a cell"
    rows = rows_of(message.encoding, height)
    if message.step < width * size or len(message.data) != rows * message.step:
        return "amount of data"
    return "" if image.shape == (height, width, 3) and image.dtype == np.uint8 else f"image {image.shape}"


def compressed_fault(message: Any, image: np.ndarray[Any, Any]) -> str:
    """Why a CompressedImage that was accepted must not have been; empty when it is consistent."""
    data = bytes(message.data)
    if image.ndim != 3 or image.dtype != np.uint8 or image.shape[0] * image.shape[1] > MAX_PIXELS:
        return f"image {image.shape}"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        at, ends = 8, False
        while at + 12 <= len(data) and not ends:
            length = int.from_bytes(data[at : at + 4], "big")
            if zlib.crc32(data[at + 4 : at + 8 + length]) != int.from_bytes(
                data[at + 8 + length : at + 12 + length], "big"
            ):
                return "checksum of a PNG chunk"
            ends = data[at + 4 : at + 8] == b"IEND"
            at += 12 + length
        return "" if ends else "a PNG without an end"
    if data.startswith(b"\xff\xd8"):
        return "" if b"\xff\xd9" in data else "a JPEG without an end"
    return "neither JPEG nor PNG"


def described(message: Any) -> str:
    """One line about a message, to make it again by hand."""
    names = ("height", "width", "step", "encoding", "is_bigendian", "format")
    parts = [f"{name}={getattr(message, name)!r}" for name in names if hasattr(message, name)]
    return " ".join([*parts, f"data={bytes(message.data)[:24].hex()}...({len(message.data)} bytes)"])


def _stream(rng: np.random.Generator, compressed: bool, count: int) -> Iterator[Any]:
    bases = _compressed_bases() if compressed else ()
    for _ in range(count):
        message = _compressed(rng, bases) if compressed else _raw(rng)
        message.header = SimpleNamespace(stamp=_stamp(rng), frame_id="camera" if rng.random() < 0.95 else "\udcff" * 3)
        yield message


def _raw(rng: np.random.Generator) -> Any:
    """An Image of which each field is right, nearly right or anything."""
    encoding = _one(rng, tuple(DEFINED)) if rng.random() < 0.9 else _one(rng, STRANGE_ENCODINGS)
    height, width = (int(each) for each in rng.integers(8, 40, 2))
    height, width = height // 2 * 2, width // 2 * 2
    size = DEFINED.get(encoding, (3, False, False))[0]
    step = width * size + (int(rng.integers(0, 9)) if rng.random() < 0.3 else 0)
    length = rows_of(encoding, height) * step
    if rng.random() < 0.5:
        which = int(rng.integers(4))
        height = _near(rng, height) if which == 0 else height
        width = _near(rng, width) if which == 1 else width
        step = _near(rng, step) if which == 2 else step
        length = min(1 << 16, _near(rng, length)) if which == 3 else length
    return SimpleNamespace(
        height=height, width=width, step=step, encoding=encoding, is_bigendian=int(rng.integers(0, 256)),
        data=rng.bytes(length),
    )  # fmt: skip


def _near(rng: np.random.Generator, value: int) -> int:
    if rng.random() < 0.5:
        return max(0, value + int(rng.integers(-3, 4)))
    return int(STRANGE_NUMBERS[int(rng.integers(len(STRANGE_NUMBERS)))])


def _compressed_bases() -> tuple[bytes, ...]:
    picture = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return tuple(cv2.imencode(kind, picture)[1].tobytes() for kind in (".jpg", ".png"))


def _compressed(rng: np.random.Generator, bases: tuple[bytes, ...]) -> Any:
    """A CompressedImage: bytes changed, cut out, doubled or cut off, or nothing of an image at all."""
    data = bytearray(_one(rng, bases))
    kind = int(rng.integers(6))
    if kind == 0:
        for at in rng.integers(0, len(data), int(rng.integers(1, 6))):
            data[at] = int(rng.integers(256))
    elif kind == 1:
        del data[int(rng.integers(len(data))) :]
    elif kind == 2:
        start = int(rng.integers(len(data)))
        del data[start : start + int(rng.integers(1, 40))]
    elif kind == 3:
        start = int(rng.integers(len(data)))
        data[start:start] = data[start : start + int(rng.integers(1, 40))]
    elif kind == 4:
        data = bytearray(rng.bytes(int(rng.integers(0, 200))))
    elif rng.random() < 0.5:
        # Header fields: sizes, lengths, markers.
        at = int(rng.integers(min(64, len(data))))
        data[at : at + 4] = int(_one(rng, STRANGE_NUMBERS)).to_bytes(4, "big")
    return SimpleNamespace(format=_one(rng, ("jpeg", "png", "", "rgb8; jpeg compressed bgr8")), data=bytes(data))


def _stamp(rng: np.random.Generator) -> Any:
    """Seconds from now, and nanoseconds; mostly in order."""
    if rng.random() < 0.9:
        return SimpleNamespace(sec=0, nanosec=0)
    return SimpleNamespace(sec=int(rng.choice(STRANGE_SECONDS)), nanosec=int(rng.choice(STRANGE_NANOSECONDS)))


def _one(rng: np.random.Generator, of: tuple[Any, ...]) -> Any:
    return of[int(rng.integers(len(of)))]


def _keep(found: list[str], text: str, most: int = 20) -> None:
    if len(found) < most:
        found.append(text[:500])
