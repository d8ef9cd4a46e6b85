# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From the bytes of an uncompressed frame to a colour image: no copy where the bytes already are one."""

from __future__ import annotations

from array import array
from typing import Union

import cv2
import numpy as np

from trustseg.frames.layout import FrameLayout, FrameLimits, check_layout
from trustseg.types import UInt8Array

Bytes = Union[bytes, bytearray, memoryview, "array[int]"]

# encoding -> (conversion of OpenCV, channel order of its result). OpenCV names a Bayer pattern by the second row's
# second and third pixel, so its "BG" is what the ROS encodings (and everyone else) call rggb.
CONVERSIONS: dict[str, tuple[int, str]] = {
    "rgba8": (cv2.COLOR_RGBA2RGB, "rgb"),
    "bgra8": (cv2.COLOR_BGRA2BGR, "bgr"),
    "8UC4": (cv2.COLOR_BGRA2BGR, "bgr"),
    "mono8": (cv2.COLOR_GRAY2RGB, "rgb"),
    "8UC1": (cv2.COLOR_GRAY2RGB, "rgb"),
    "yuv422": (cv2.COLOR_YUV2RGB_UYVY, "rgb"),
    "uyvy": (cv2.COLOR_YUV2RGB_UYVY, "rgb"),
    "yuv422_yuy2": (cv2.COLOR_YUV2RGB_YUY2, "rgb"),
    "yuyv": (cv2.COLOR_YUV2RGB_YUY2, "rgb"),
    "nv12": (cv2.COLOR_YUV2RGB_NV12, "rgb"),
    "nv21": (cv2.COLOR_YUV2RGB_NV21, "rgb"),
    "bayer_rggb8": (cv2.COLOR_BayerBG2RGB, "rgb"),
    "bayer_bggr8": (cv2.COLOR_BayerRG2RGB, "rgb"),
    "bayer_gbrg8": (cv2.COLOR_BayerGR2RGB, "rgb"),
    "bayer_grbg8": (cv2.COLOR_BayerGB2RGB, "rgb"),
}
# BT.601, limited range, for whole chroma, which OpenCV converts in full range only: rows R, G, B of Y, U, V, 1.
_LUMA, _CHROMA = 255 / 219, 255 / 224
_RED_V, _GREEN_U, _GREEN_V, _BLUE_U = 1.402 * _CHROMA, -0.344136 * _CHROMA, -0.714136 * _CHROMA, 1.772 * _CHROMA
YUV_TO_RGB = np.array(
    [
        [_LUMA, 0.0, _RED_V, -16 * _LUMA - 128 * _RED_V],
        [_LUMA, _GREEN_U, _GREEN_V, -16 * _LUMA - 128 * (_GREEN_U + _GREEN_V)],
        [_LUMA, _BLUE_U, 0.0, -16 * _LUMA - 128 * _BLUE_U],
    ]
)
DIRECT = {"rgb8": "rgb", "bgr8": "bgr", "8UC3": "bgr"}


def decode_pixels(
    data: Bytes,
    height: int,
    width: int,
    step: int,
    encoding: str,
    *,
    limits: FrameLimits | None = None,
) -> tuple[UInt8Array, str]:
    """Image of an uncompressed frame, after checking that its fields fit each other.

    Byte order is of no effect: every encoding that is accepted has 8-bit samples.

    Args:
        data: the frame's bytes; any buffer.
        height, width: pixels. step: bytes from row to row. encoding: see `frames.layout.ENCODINGS`.
        limits: size limits.

    Returns:
        (image uint8 (height, width, 3), channel order "rgb" or "bgr"). For rgb8, bgr8 and 8UC3 the image is a view
        of `data` (with padded rows a strided one); everything else is a new array. YUV is BT.601, limited range.

    Raises:
        FrameRejected: with the reason bit of the first rule that fails.
    """
    layout = check_layout(height, width, step, encoding, memoryview(data).nbytes, limits=limits)
    if encoding == "nv24":
        return _whole_chroma(np.frombuffer(data, np.uint8), layout), "rgb"
    pixels = _as_pixels(np.frombuffer(data, np.uint8), layout)
    if encoding in DIRECT:
        return pixels, DIRECT[encoding]
    code, order = CONVERSIONS[encoding]
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8), order


def _whole_chroma(flat: UInt8Array, layout: FrameLayout) -> UInt8Array:
    """nv24: a plane of Y, then one of U and V in turns, a row of which takes two steps."""
    height, width, step = layout.height, layout.width, layout.step
    luma = flat[: height * step].reshape(height, step)[:, :width]
    chroma = flat[height * step :].reshape(height, 2 * step)[:, : 2 * width]
    yuv = np.dstack([np.maximum(luma, 16), chroma[:, ::2], chroma[:, 1::2]])
    return np.asarray(cv2.transform(yuv, YUV_TO_RGB), np.uint8)


def _as_pixels(flat: UInt8Array, layout: FrameLayout) -> UInt8Array:
    """uint8 (rows, width, channels) without the padding at the end of each row: a view, which reshape() would copy."""
    channels = layout.row_bytes // layout.width
    return np.lib.stride_tricks.as_strided(
        flat, (layout.rows, layout.width, channels), (layout.step, channels, 1), writeable=False
    )
