# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rules that a camera frame must pass before anything looks at its pixels, and the conversion to an image. No ROS."""

from trustseg.frames.compressed import check_format, declares_depth, decode_compressed, image_size
from trustseg.frames.intake import FrameIntake, IntakeConfig
from trustseg.frames.layout import DEPTH, ENCODINGS, FrameLayout, FrameLimits, check_dimensions, check_layout
from trustseg.frames.pixels import decode_pixels
from trustseg.frames.stamps import EncodingCheck, ResolutionCheck, SourceCheck, StampCheck, StampConfig, stamp_of

__all__ = [
    "DEPTH",
    "ENCODINGS",
    "EncodingCheck",
    "FrameIntake",
    "FrameLayout",
    "FrameLimits",
    "IntakeConfig",
    "ResolutionCheck",
    "SourceCheck",
    "StampCheck",
    "StampConfig",
    "check_dimensions",
    "check_format",
    "check_layout",
    "declares_depth",
    "decode_compressed",
    "decode_pixels",
    "image_size",
    "stamp_of",
]
