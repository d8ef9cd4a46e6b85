# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The convention of image_transport: compressed images of a base topic are published behind `/compressed`. No ROS."""

from __future__ import annotations

RAW, COMPRESSED = "raw", "compressed"  # values of the nodes' parameter
COMPRESSED_SUFFIX = "/compressed"


def compressed_topic(topic: str) -> str:
    """Where compressed images of a base topic are; a name that says so itself stays as it is."""
    return topic if topic.endswith(COMPRESSED_SUFFIX) else topic + COMPRESSED_SUFFIX
