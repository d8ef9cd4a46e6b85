# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the black box."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg_ros.blackbox.name_lists import reasons_of, topics_of
from trustseg_ros.common.parameters import Timing, parameter


@dataclass(frozen=True)
class BlackboxConfig(Timing):
    """Parameters of the black box `trustseg_blackbox`."""

    output: str = parameter(
        "",
        "folder for the records; empty: one of this node below $TRUSTSEG_STATE, else below ~/.local/state",
    )
    image_transport: str = parameter("raw", "type of the image topic", choices=("raw", "compressed"))
    camera_as: str = parameter("jpeg", "how raw images are kept", choices=("jpeg", "received"))
    jpeg_quality: int = parameter(85, "quality of the camera's JPEG images", minimum=1, maximum=100)
    topics: str = parameter(
        "/tf,/tf_static", "further topics to record, of any type, with commas",
        rule=topics_of, wanted="names of topics with commas",
    )  # fmt: skip
    before_s: float = parameter(10.0, "what a record holds before its cause, s", minimum=0.1, maximum=600.0)
    after_s: float = parameter(5.0, "what a record holds after its last cause, s", minimum=0.0, maximum=600.0)
    longest_s: float = parameter(
        120.0, "longest record; a cause after that begins another, s", minimum=1.0, maximum=3600.0
    )
    memory_megabytes: float = parameter(
        256.0, "memory for the last seconds; the oldest messages go first, MB", minimum=1.0, maximum=1e5
    )
    quota_megabytes: float = parameter(
        4000.0, "disk for all records; the oldest go first, MB", minimum=10.0, maximum=1e8
    )
    free_megabytes: float = parameter(
        1000.0, "disk that stays free; the oldest records go first, MB", minimum=0.0, maximum=1e8
    )
    on_flag: bool = parameter(True, "record when the flag goes up, or its verdicts end", live=True)
    on_reasons: str = parameter(
        "", "record when one of these reasons appears, names with commas; empty: none",
        rule=reasons_of, wanted="names of reasons (docs/safety.md) with commas", live=True,
    )  # fmt: skip
    on_quality_below: float = parameter(
        0.0, "record when the predicted mIoU falls below it; 0: never", minimum=0.0, maximum=1.0, live=True
    )
    diagnostics_period_s: float = parameter(1.0, "period of /diagnostics, s", minimum=0.1, maximum=60.0)
