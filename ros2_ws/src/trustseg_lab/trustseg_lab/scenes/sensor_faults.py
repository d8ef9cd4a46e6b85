# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a broken sensor, cable, driver or lens does to the pixels of a stream: for injection and for measurement.

Unlike the conditions of `trustseg_lab.scenes.conditions` these are faults of the machine, not of the weather,
and some of
them need the frames before: a frozen camera shows what it once saw.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg_lab.scenes.noise import fractal, stream, to_uint8
from trustseg_lab.scenes.overlays import clock, grey_box, hood_mask

UInt8 = npt.NDArray[np.uint8]
_STREAM_FAULT = 71
MOST_BUFFERS = 16


class SensorFault:
    """One fault of one stream, from its first faulty frame on.

    Args:
        kind: one of `SENSOR_FAULTS`.
        severity: above 0 to 1; what it scales stands at each kind.
        seed: of positions and patterns.

    Raises:
        InputError: an unknown kind or a severity out of range.
    """

    def __init__(self, kind: str, severity: float = 0.5, seed: int = 0) -> None:
        if kind not in _EFFECTS:
            raise InputError("kind of a sensor fault", expected="one of " + ", ".join(_EFFECTS), got=repr(kind))
        if not 0.0 < severity <= 1.0:
            raise InputError(f"severity of {kind}", expected="above 0, at most 1", got=str(severity))
        self.kind, self.severity, self.seed = kind, float(severity), int(seed)
        self.first: UInt8 | None = None
        self.before: UInt8 | None = None
        self.frames = 0
        self.ticks = 0
        self.buffers: list[UInt8] = []

    def sound(self, image: UInt8) -> UInt8:
        """A frame before the fault, as this camera shows it: with what it puts over every picture. A new array."""
        over = _OVER.get(self.kind)
        self.ticks += 1
        return image.copy() if over is None else over(image, self.ticks)

    @property
    def has_overlay(self) -> bool:
        """Whether the camera of this fault puts something over every picture, before the fault too."""
        return self.kind in _OVER

    @property
    def begun(self) -> bool:
        """Whether any frame so far was altered: a ring of buffers is filled first."""
        return not self.buffers or self.frames > len(self.buffers)

    def frame(self, image: UInt8) -> UInt8:
        """The next frame of the stream, uint8 (H, W, 3), as the fault leaves it: a new array."""
        if self.first is None:
            self.first = image.copy()
        out = _EFFECTS[self.kind](self, image)
        if self.has_overlay:
            out = self.sound(out)
        self.before, self.frames = image.copy(), self.frames + 1
        return out

    @property
    def buffer_count(self) -> int:
        """Buffers of a ring."""
        return max(2, round(MOST_BUFFERS * self.severity))

    @property
    def fixed(self) -> np.random.Generator:
        """Random numbers that are the same for every frame."""
        return stream(_STREAM_FAULT, SENSOR_FAULTS.index(self.kind), self.seed)

    @property
    def fresh(self) -> np.random.Generator:
        """Random numbers of this frame alone."""
        return stream(_STREAM_FAULT, SENSOR_FAULTS.index(self.kind), self.seed, self.frames + 1)


def _frozen(fault: SensorFault, image: UInt8) -> UInt8:
    """The same pixels again and again."""
    return _first(fault).copy()


def _frozen_noise(fault: SensorFault, image: UInt8) -> UInt8:
    """The same picture, under fresh noise of a standard deviation of up to 3 lumas."""
    first = _first(fault)
    grain = fault.fresh.standard_normal(first.shape, dtype=np.float32) * np.float32(3.0 * fault.severity)
    return to_uint8(first + grain)


def _frozen_part(fault: SensorFault, image: UInt8) -> UInt8:
    """The lower part of the picture stands still, up to nine tenths of it: a buffer that is filled no further."""
    out = image.copy()
    row = round(image.shape[0] * (1.0 - 0.9 * fault.severity))
    out[row:] = _first(fault)[row:]
    return out


def _dead_rows(fault: SensorFault, image: UInt8) -> UInt8:
    """Up to 2 % of the rows are stuck at black, white or grey."""
    out, rng = image.copy(), fault.fixed
    rows = rng.choice(image.shape[0], max(1, round(0.02 * fault.severity * image.shape[0])), replace=False)
    out[rows] = rng.choice([0, 128, 255], (len(rows), 1, 1))
    return out


def _dead_columns(fault: SensorFault, image: UInt8) -> UInt8:
    """As dead rows, upright."""
    return np.ascontiguousarray(_dead_rows(fault, image.transpose(1, 0, 2)).transpose(1, 0, 2))


def _lost_rows(fault: SensorFault, image: UInt8) -> UInt8:
    """The end of the frame never arrived: its rows are one grey, up to three quarters of them."""
    out = image.copy()
    out[round(image.shape[0] * (1.0 - 0.75 * fault.severity)) :] = 128
    return out


def _banding(fault: SensorFault, image: UInt8) -> UInt8:
    """Rows brighter and darker in turns, by up to 32 lumas, with a period of 4 to 20 rows of 360."""
    rng = fault.fixed
    period = rng.uniform(4.0, 20.0) * image.shape[0] / 360.0
    phase = 2.0 * np.pi * (np.arange(image.shape[0]) / period + fault.fresh.random())
    return to_uint8(image + (32.0 * fault.severity * np.sin(phase))[:, None, None])


def _bit_errors(fault: SensorFault, image: UInt8) -> UInt8:
    """Single bits flipped on the way: of up to 1 % of the bytes."""
    rng = fault.fresh
    flat = image.reshape(-1).copy()
    hit = rng.integers(0, flat.size, max(1, round(0.01 * fault.severity * flat.size)))
    flat[hit] ^= np.left_shift(1, rng.integers(0, 8, hit.size)).astype(np.uint8)
    return flat.reshape(image.shape)


def _stuck_bit(fault: SensorFault, image: UInt8) -> UInt8:
    """One line of the bus is always low: bit 4 at a severity up to 0.25, bit 7 above 0.75."""
    bit = 3 + int(np.ceil(4.0 * fault.severity))
    return np.asarray(image & np.uint8(0xFF ^ (1 << bit)), np.uint8)


def _tearing(fault: SensorFault, image: UInt8) -> UInt8:
    """Below a row that moves from frame to frame the picture is displaced sideways, by up to a fifth of its width."""
    out, rng = image.copy(), fault.fresh
    row = int(rng.uniform(0.2, 0.8) * image.shape[0])
    shift = round(0.2 * fault.severity * image.shape[1] * rng.uniform(0.5, 1.0)) * int(rng.choice([-1, 1]))
    out[row:] = np.roll(image[row:], shift, axis=1)
    return out


def _channel_swap(fault: SensorFault, image: UInt8) -> UInt8:
    """Red and blue exchanged; the severity is of no effect."""
    return np.ascontiguousarray(image[..., ::-1])


def _bayer_as_grey(fault: SensorFault, image: UInt8) -> UInt8:
    """A colour filter's raw pixels shown as a grey picture; the severity is how much its green is stronger."""
    grey = _mosaic(image, 1.0 / (1.0 + 0.6 * fault.severity))
    return np.repeat(grey[..., None], 3, axis=2)


def _bayer_phase(fault: SensorFault, image: UInt8) -> UInt8:
    """A colour filter read one column off: green for red and blue; the severity is of no effect."""
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    even = np.ascontiguousarray(_mosaic(image, 1.0)[:height, :width])
    out = image.copy()
    out[:height, :width] = cv2.cvtColor(even, cv2.COLOR_BayerGR2RGB)
    return out


def _condensation(fault: SensorFault, image: UInt8) -> UInt8:
    """Drops of mist on the lens: grey and without detail, over a third of the picture up to all of it."""
    height, width = image.shape[:2]
    field = fractal(fault.fixed, (height, width), (3, 4), 3)
    edge = np.quantile(field, min(1.0, 0.33 + 0.67 * fault.severity))
    cover = cv2.GaussianBlur((field <= edge).astype(np.float32), (0, 0), 0.015 * height)[..., None]
    misty = cv2.GaussianBlur(image, (0, 0), 0.035 * height).astype(np.float32)
    return to_uint8(image * (1.0 - cover) + (0.55 * misty + 0.45 * float(misty.mean())) * cover)


def _ring(fault: SensorFault, image: UInt8) -> UInt8:
    """The last N buffers again and again, N sixteen times the severity; the first N frames fill them."""
    count = fault.buffer_count
    if len(fault.buffers) < count:
        fault.buffers.append(image.copy())
    return fault.buffers[fault.frames % count].copy()


def _ring_noise(fault: SensorFault, image: UInt8) -> UInt8:
    """A ring of buffers, under fresh noise of 1.5 lumas at every playback."""
    grain = fault.fresh.standard_normal(image.shape, dtype=np.float32) * np.float32(1.5)
    return to_uint8(_ring(fault, image) + grain)


def _ring_jpeg(fault: SensorFault, image: UInt8) -> UInt8:
    """A ring of buffers, each compressed anew at every playback, at a quality between 60 and 95."""
    quality = int(fault.fresh.integers(60, 96))
    file = cv2.imencode(".jpg", _ring(fault, image), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    if decoded is None:
        raise RuntimeError("an image that was just encoded cannot be decoded")
    return np.asarray(decoded, np.uint8)


def _ring_reversed(fault: SensorFault, image: UInt8) -> UInt8:
    """The last N buffers from the newest back to the oldest and on again."""
    count = fault.buffer_count
    if len(fault.buffers) < count:
        fault.buffers.append(image.copy())
    at = fault.frames % (2 * count - 2)
    return fault.buffers[min(at, 2 * count - 2 - at)].copy()


_EFFECTS: dict[str, Callable[[SensorFault, UInt8], UInt8]] = {
    "frozen": _frozen,
    "frozen_noise": _frozen_noise,
    "frozen_part": _frozen_part,
    "dead_rows": _dead_rows,
    "dead_columns": _dead_columns,
    "lost_rows": _lost_rows,
    "banding": _banding,
    "bit_errors": _bit_errors,
    "stuck_bit": _stuck_bit,
    "tearing": _tearing,
    "channel_swap": _channel_swap,
    "bayer_as_grey": _bayer_as_grey,
    "bayer_phase": _bayer_phase,
    "condensation": _condensation,
    "frozen_behind_box": _frozen,
    "frozen_behind_clock": _frozen,
    "frozen_behind_mask": _frozen,
    "frozen_noise_behind_box": _frozen_noise,
    "frozen_noise_behind_clock": _frozen_noise,
    "frozen_part_behind_box": _frozen_part,
    "ring": _ring,
    "ring_noise": _ring_noise,
    "ring_jpeg": _ring_jpeg,
    "ring_reversed": _ring_reversed,
}
_OVER: dict[str, Callable[[UInt8, int], UInt8]] = {
    **{kind: lambda image, tick: grey_box(image) for kind in _EFFECTS if kind.endswith("_behind_box")},
    **{kind: clock for kind in _EFFECTS if kind.endswith("_behind_clock")},
    "frozen_behind_mask": lambda image, tick: hood_mask(image),
}
SENSOR_FAULTS: tuple[str, ...] = tuple(_EFFECTS)


def _first(fault: SensorFault) -> UInt8:
    if fault.first is None:
        raise RuntimeError("a fault that needs the first frame was asked before it had one")
    return fault.first


def _mosaic(image: UInt8, gain: float) -> UInt8:
    """uint8 (H, W): an rggb filter's pixels of RGB (H, W, 3); red and blue times `gain`."""
    scaled = to_uint8(image * np.array([gain, 1.0, gain], np.float32))
    raw = scaled[..., 1].copy()
    raw[0::2, 0::2] = scaled[0::2, 0::2, 0]
    raw[1::2, 1::2] = scaled[1::2, 1::2, 2]
    return raw
