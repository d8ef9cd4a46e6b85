# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults of a camera, its driver and its cable: what becomes of each shot of a stream. Pure and the same for a seed."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from trustseg.bounds import MS, SECOND, Bounds
from trustseg.errors import InputError
from trustseg_lab.faults.camera_message import CameraMessage
from trustseg_lab.scenes import apply_condition
from trustseg_lab.scenes.conditions import condition_seed
from trustseg_lab.scenes.sensor_faults import MOST_BUFFERS, SENSOR_FAULTS, SensorFault

OTHER_CAMERA = "another_camera"
# Frames of ten that are withheld: two are more than 5 % and, at any rate, enough to be a habit.
DROPPED_OF_TEN = (0, 4)
# Frames of a sound camera with an overlay before it freezes: what stands by design is learned by then.
SOUND_FRAMES = 50
BOMB_SIDE = 60_000
SOFT_EVERY = 3
# Random loss and jitter of a camera that is in order; the jitter's mean keeps a delay from being below zero.
JITTER_NS = 3 * MS
LOSS_SHARES = {"random_loss_1": 0.01, "random_loss_3": 0.03}
# A rate that wanders from all of it to a third of it and back, as exposure does between day and tunnel.
RATE_WANDER_S, SLOWEST_SHARE = 20.0, 1 / 3


@dataclass(frozen=True)
class Delivery:
    """A shot to publish, so much later than it came.

    Attributes:
        faulty: False for what a sound camera of this kind shows too: the fault has not begun with it.
    """

    shot: CameraMessage
    delay_ns: int = 0
    faulty: bool = True


class CameraFault:
    """One fault, from the first shot it meets on.

    Args:
        kind: one of `CAMERA_FAULTS`.
        bounds: of the stream: its period, and what counts as a backlog.
        seed: of patterns and positions.
        severity: above 0 to 1 for faults of the picture; None takes one that must be noticed.

    Raises:
        InputError: an unknown kind or a severity out of range.
    """

    def __init__(self, kind: str, bounds: Bounds, seed: int = 0, severity: float | None = None) -> None:
        if kind not in CAMERA_FAULTS:
            raise InputError("no such fault of a camera", expected=", ".join(CAMERA_FAULTS), got=repr(kind))
        self.kind, self.bounds = kind, bounds
        self.seed = seed
        self.severity = SEVERITIES.get(kind, 1.0) if severity is None else severity
        if not 0.0 < self.severity <= 1.0:
            raise InputError(f"severity of {kind}", expected="above 0, at most 1", got=str(severity))
        self.index = -1
        self.first: CameraMessage | None = None
        self.rng, self.owed = np.random.default_rng(seed), 0.5
        self.sensor = SensorFault(kind, self.severity, seed) if kind in SENSOR_FAULTS else None

    def apply(self, shot: CameraMessage) -> tuple[Delivery, ...]:
        """What is published in place of `shot`; nothing when it is withheld."""
        self.index += 1
        self.first = self.first or shot
        return CAMERA_FAULTS[self.kind](self, shot)


Effect = Callable[[CameraFault, CameraMessage], tuple[Delivery, ...]]


def _sends(change: Callable[[CameraFault, CameraMessage], CameraMessage]) -> Effect:
    return lambda fault, shot: (Delivery(change(fault, shot)),)


# The stream -----------------------------------------------------------------------------------------------------


def _low_rate(fault: CameraFault, shot: CameraMessage) -> tuple[Delivery, ...]:
    return (Delivery(shot),) if fault.index % 2 else ()


def _drop_frames(fault: CameraFault, shot: CameraMessage) -> tuple[Delivery, ...]:
    return () if fault.index % 10 in DROPPED_OF_TEN else (Delivery(shot),)


def _backlog(fault: CameraFault, shot: CameraMessage) -> tuple[Delivery, ...]:
    return (Delivery(shot, fault.bounds.backlog_ns + fault.bounds.camera_period_ns),)


def _random_loss(fault: CameraFault, shot: CameraMessage) -> tuple[Delivery, ...]:
    delay_ns = max(1, round(fault.rng.normal(3 * JITTER_NS, JITTER_NS)))
    return () if fault.rng.random() < LOSS_SHARES[fault.kind] else (Delivery(shot, delay_ns),)


def _rate_varies(fault: CameraFault, shot: CameraMessage) -> tuple[Delivery, ...]:
    """As many frames as the rate of the moment asks for, evenly: the fraction of a frame is carried on."""
    turn = 2.0 * math.pi * fault.index * fault.bounds.camera_period_ns / (RATE_WANDER_S * SECOND)
    fault.owed += SLOWEST_SHARE + (1.0 - SLOWEST_SHARE) * (0.5 + 0.5 * math.cos(turn))
    if fault.owed < 1.0:
        return ()
    fault.owed -= 1.0
    return (Delivery(shot),)


def _backward(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    first = fault.first or shot
    return replace(shot, stamp_ns=first.stamp_ns - (fault.index + 2) * fault.bounds.camera_period_ns)


# The picture ----------------------------------------------------------------------------------------------------


def _sensor(fault: CameraFault, shot: CameraMessage) -> tuple[Delivery, ...]:
    sensor, image = fault.sensor, np.ascontiguousarray(shot.rgb)
    if sensor is None:
        raise InputError(f"{fault.kind} is no fault of a sensor")
    if sensor.has_overlay and fault.index < SOUND_FRAMES:
        return (Delivery(shot.with_rgb(sensor.sound(image)), faulty=False),)
    changed = shot.with_rgb(sensor.frame(image))
    return (Delivery(changed, faulty=sensor.begun),)


def _condition(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    seed = condition_seed(fault.kind, fault.seed, fault.index)
    image = np.ascontiguousarray(shot.rgb)
    for _ in range(TIMES.get(fault.kind, 1)):
        image = np.ascontiguousarray(apply_condition(fault.kind, fault.severity, image, seed=seed))
    return shot.with_rgb(image)


def _every_third(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    if fault.index % SOFT_EVERY:
        return shot
    image = np.ascontiguousarray(shot.rgb)
    seed = condition_seed("defocus", fault.seed, fault.index)
    return shot.with_rgb(np.ascontiguousarray(apply_condition("defocus", fault.severity, image, seed=seed)))


def _half_size(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    size = (max(8, shot.width // 4 * 2), max(8, shot.height // 4 * 2))
    return shot.with_rgb(np.asarray(cv2.resize(shot.rgb, size, interpolation=cv2.INTER_AREA), np.uint8))


# The message ----------------------------------------------------------------------------------------------------


def _step(shot: CameraMessage, step: int) -> CameraMessage:
    rows = np.zeros((shot.height, step), np.uint8)
    kept = min(step, shot.step)
    rows[:, :kept] = shot.data.reshape(shot.height, shot.step)[:, :kept]
    return replace(shot, step=step, data=rows.reshape(-1))


def _wide(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    data = shot.data.astype(">u2").view(np.uint8)
    return replace(shot, encoding="rgb16", is_bigendian=True, step=2 * shot.step, data=data)


def _declared(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    return replace(shot, encoding="rgb8" if shot.encoding == "bgr8" else "bgr8")


def _broken_jpeg(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    return replace(shot, data=shot.data[: 2 * shot.data.size // 3])


def _broken_png(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    image = cv2.imdecode(shot.data, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError("png_broken needs compressed images that can be read")
    data = np.asarray(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1], np.uint8).reshape(-1)
    data[data.size // 2] ^= 0x10
    return replace(shot, data=data, format="png")


def _bomb(fault: CameraFault, shot: CameraMessage) -> CameraMessage:
    """A PNG of some hundred bytes that would be ten gigabytes of pixels."""
    side = BOMB_SIDE.to_bytes(4, "big")
    header = b"IHDR" + side + side + bytes((8, 2, 0, 0, 0))
    chunks = [header, b"IDAT" + zlib.compress(bytes(100_000), 9), b"IEND"]
    parts = [(len(c) - 4).to_bytes(4, "big") + c + zlib.crc32(c).to_bytes(4, "big") for c in chunks]
    data = np.frombuffer(b"\x89PNG\r\n\x1a\n" + b"".join(parts), np.uint8)
    return replace(shot, data=data, format="png")


# Frames pass as they are: what is wrong is the CameraInfo beside them (`info_size`).
INFO_FAULTS = ("camera_info_missing", "camera_info_other")
# So do they here: it is the node's mask that is exchanged on its way to who uses it.
OTHER_MASK = "mask_of_another_frame"
CONDITIONS = ("defocus", "motion_blur", "occlusion", "rain", "snow", "glare", "night")
# One sun leaves the masks of the rendered drive good enough (quality above 0.5), twice its light does not (below 0.45),
# wherever on the lens it stands.
TIMES = {"glare": 2}
RINGS = {"ring": 2, "ring_noise": 3, "ring_jpeg": 8, "ring_reversed": 4}  # buffers of each
SEVERITIES = {
    "frozen_noise": 0.5, "frozen_part": 0.5, "banding": 0.75,
    "frozen_noise_behind_box": 0.5, "frozen_noise_behind_clock": 0.5, "frozen_part_behind_box": 0.5,
    **{kind: count / MOST_BUFFERS for kind, count in RINGS.items()},
}  # fmt: skip

CAMERA_FAULTS: dict[str, Effect] = {
    "stop": lambda fault, shot: (),
    "low_rate": _low_rate,
    "drop_frames": _drop_frames,
    "backlog": _backlog,
    "duplicate_stamp": lambda fault, shot: (Delivery(shot), Delivery(shot)),
    "stamp_backward": _sends(_backward),
    "stamp_future": _sends(lambda fault, shot: replace(shot, stamp_ns=shot.stamp_ns + SECOND)),
    "stamp_zero": _sends(lambda fault, shot: replace(shot, stamp_ns=0)),
    "stamp_old": _sends(lambda fault, shot: replace(shot, stamp_ns=shot.stamp_ns - 20 * SECOND)),
    "every_third_blurred": _sends(_every_third),
    "rate_varies": _rate_varies,
    **dict.fromkeys(LOSS_SHARES, _random_loss),
    "black": _sends(lambda fault, shot: shot.with_rgb(np.zeros_like(shot.rgb))),
    "overexposed": _sends(lambda fault, shot: shot.with_rgb(np.full_like(shot.rgb, 255))),
    "upside_down": _sends(lambda fault, shot: shot.with_rgb(shot.rgb[::-1, ::-1])),
    "resolution_change": _sends(_half_size),
    "data_short": _sends(lambda fault, shot: replace(shot, data=shot.data[:-1])),
    "data_long": _sends(lambda fault, shot: replace(shot, data=np.append(shot.data, np.uint8(0)))),
    "step_short": _sends(lambda fault, shot: _step(shot, shot.step - 1)),
    "step_padded": _sends(lambda fault, shot: _step(shot, shot.step + 16)),
    "encoding_unknown": _sends(lambda fault, shot: replace(shot, encoding="camera_raw_7")),
    "encoding_change": _sends(_declared),
    "big_endian_16": _sends(_wide),
    "size_zero": _sends(lambda fault, shot: replace(shot, width=0)),
    "size_huge": _sends(lambda fault, shot: replace(shot, height=2**31, width=2**31)),
    "frame_id_change": _sends(lambda fault, shot: replace(shot, frame_id=OTHER_CAMERA)),
    "jpeg_broken": _sends(_broken_jpeg),
    "png_broken": _sends(_broken_png),
    "image_bomb": _sends(_bomb),
    **{kind: _sends(lambda fault, shot: shot) for kind in (*INFO_FAULTS, OTHER_MASK)},
    **{kind: _sends(_condition) for kind in CONDITIONS},
    **dict.fromkeys(SENSOR_FAULTS, _sensor),
}
# They need nothing but the header, and so happen to compressed images too.
STREAM_FAULTS = (
    "stop", "low_rate", "drop_frames", "backlog", "duplicate_stamp", "stamp_backward", "stamp_future", "stamp_zero",
    "stamp_old", "frame_id_change", "rate_varies", *LOSS_SHARES,
)  # fmt: skip
COMPRESSED_FAULTS = ("jpeg_broken", "png_broken", "image_bomb")


def info_size(kind: str, height: int, width: int) -> tuple[int, int] | None:
    """(height, width) that the CameraInfo of a frame claims under a fault; None when it is withheld."""
    if kind == "camera_info_missing":
        return None
    return (height + 2, width + 2) if kind == "camera_info_other" else (height, width)
