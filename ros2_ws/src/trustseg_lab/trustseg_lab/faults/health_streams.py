# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Clean streams that the input checks are measured on: real ones, the same through real encoders, rendered ones."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg.imaging.stored_image import read_image
from trustseg.types import UInt8Array
from trustseg_lab.data import list_images
from trustseg_lab.recordings.video.film import VideoSource
from trustseg_lab.scenes import Drive
from trustseg_lab.scenes.overlays import OVERLAYS
from trustseg_lab.scenes.sensor import noise_tile

# Encoders as cameras and recorders set them, from faint to strong compression.
ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"crf": "18", "preset": "fast"}),
    ("libx264", {"crf": "23", "preset": "veryfast", "tune": "zerolatency"}),
    ("libx264", {"crf": "30", "preset": "veryfast", "tune": "zerolatency", "g": "25"}),
    ("libx264", {"crf": "36", "preset": "veryfast", "tune": "zerolatency"}),
    ("mpeg4", {"b": "2000000"}),
)
STILL_NOISE = (0.0, 1.5)  # lumas of sensor noise before the encoder while the picture is held
HELD = 50
BRAKING = ((10.0, 3.0), (10.0, 8.0), (30.0, 3.0), (30.0, 8.0))  # frames a second, deceleration m/s^2
STANDING = 40
WEATHER = ("rain", "snow", "fog", "night", "glare")


@dataclass(frozen=True)
class Stream:
    """Frames of one camera in order.

    Attributes:
        group: row group of the table ("stills", "video", "rendered", "encoded", "standstill" ...).
        frames: uint8 RGB (H, W, 3).
        damaged: whether faults are put onto it; the others only show false alarms.
    """

    group: str
    frames: list[UInt8Array]
    damaged: bool


def folder_streams(folder: Path, length: int, group: str, damaged: bool) -> Iterator[Stream]:
    """The pictures of a folder in the order of their names, in streams of `length`.

    Raises:
        InputError: no picture there, or one that cannot be read.
    """
    files = list_images(folder).files
    for start in range(0, len(files), length):
        part = files[start : start + length]
        yield Stream(group, [_read(path) for path in part], damaged and len(part) == length)


def overlay_streams(stream: Stream) -> Iterator[Stream]:
    """The same frames behind what cameras put over them by design, none of which may be called a fault."""
    for over in OVERLAYS:
        yield Stream("overlays", [over(image, k) for k, image in enumerate(stream.frames)], False)


def video_frames(path: Path, limit: int | None = None) -> list[UInt8Array]:
    """Frames of a video, uint8 RGB; InputError when it cannot be read to its end, or to `limit`."""
    source = VideoSource(path)
    messages = [recorded.message for recorded in islice(source.images(), limit)]
    if source.losses:
        raise InputError(f"video {path}", got=source.losses[0])
    shapes = [np.asarray(each.data, np.uint8).reshape(each.height, each.width, 3) for each in messages]
    return [np.ascontiguousarray(bgr[..., ::-1]) for bgr in shapes]


def encoded(frames: list[UInt8Array], codec: str, options: dict[str, str], rate: int = 25) -> list[UInt8Array]:
    """The frames, uint8 RGB, through a real encoder and back."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames[0].shape[0] // 2 * 2, frames[0].shape[1] // 2 * 2
        stream.pix_fmt = "yuv420p"
        for image in frames:
            even = np.ascontiguousarray(image[: stream.height, : stream.width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer, "r") as source:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in source.decode(video=0)]


def encoded_streams(frames: list[UInt8Array], moving: int = 60) -> Iterator[Stream]:
    """A video that moves and is then held still, through every encoder, without and with sensor noise."""
    rng = np.random.default_rng(5)
    for sigma in STILL_NOISE:
        shown = frames[:moving] + [frames[min(moving, len(frames)) - 1]] * HELD
        if sigma:
            shown = [np.clip(f + rng.normal(0.0, sigma, f.shape), 0, 255).astype(np.uint8) for f in shown]
        for codec, options in ENCODERS:
            yield Stream("encoded", encoded(shown, codec, options), False)


def rendered_streams(seeds: range, length: int) -> Iterator[Stream]:
    """Rendered drives at 10 Hz."""
    for seed in seeds:
        drive = Drive(seed)
        yield Stream("rendered", [drive.frame(k).image_rgb for k in range(length)], True)


def weather_streams(seed: int, length: int = 40) -> Iterator[Stream]:
    """A rendered drive under weather, which the learned verdict judges: no check may call it broken or frozen."""
    drive = Drive(seed)
    for kind in WEATHER:
        frames = [drive.frame(k, [(kind, 0.7)]).image_rgb for k in range(length)]
        yield Stream("weather", frames, False)


def standstill_streams(seed: int) -> Iterator[Stream]:
    """A rendered car that brakes and stands, with fresh sensor noise in every frame; and one that stands throughout."""
    for rate_hz, deceleration in BRAKING:
        yield Stream("standstill", braking(seed, rate_hz, deceleration), False)
    yield Stream("standstill", braking(seed, 10.0, 0.0), False)


def braking(seed: int, rate_hz: float, deceleration: float) -> list[UInt8Array]:
    """A drive that goes on for a second, brakes evenly, stands; or stands throughout at a deceleration of 0."""
    # A frame every tenth of a millisecond at speed: the frame's number is where the car is, whatever the time.
    drive = Drive(seed, fps=1e4)
    rng = np.random.default_rng(seed)
    tile = noise_tile(drive.size)
    times, speed, at = [], 1.0, 0.0
    step = 1.0 / rate_hz
    for k in range(400):
        if deceleration and k >= rate_hz:
            speed = max(0.0, speed - deceleration * step / drive.speed)
        at += step * speed if deceleration else 0.0
        times.append(at)
        if (not deceleration or speed == 0.0) and times.count(at) >= STANDING:
            break
    frames: dict[int, UInt8Array] = {}
    out = []
    for moment in times:
        k = round(moment * 1e4)
        if k not in frames:
            frames = {k: drive.frame(k).image_rgb}
        y, x = int(rng.integers(drive.size[0])), int(rng.integers(drive.size[1]))
        grain = tile[y : y + drive.size[0], x : x + drive.size[1]] * np.float32(1.5 / 64)
        out.append(np.clip(frames[k] + grain, 0, 255).astype(np.uint8))
    return out


def _read(path: Path) -> UInt8Array:
    image = read_image(path, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"picture {path}", expected="one that can be decoded")
    return np.asarray(image[..., ::-1], np.uint8)
