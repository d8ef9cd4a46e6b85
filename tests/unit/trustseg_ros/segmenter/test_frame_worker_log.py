# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the worker logs of its frames: each change, and each cause of it, once."""

from __future__ import annotations

from trustseg.bounds import SECOND
from trustseg.errors import FrameRejected
from trustseg.reasons import Reason
from trustseg.types import Frame, PerceptionResult
from worker_rig import Rig, result_of


def test_a_change_is_said_once_and_no_more_than_once_a_second(rig: Rig) -> None:
    def said() -> list[str]:
        rig.idle()
        return [f"{level}: {text.split(' (')[0]}" for level, text in rig.log]

    rig.send(1)
    assert said() == []  # a first good frame is no change
    rig.engine = lambda frame: result_of(1, Reason.BLUR)
    rig.now_ns += SECOND
    rig.send(2, 3)
    assert said() == ["warning: frames are not good: BLUR"]
    assert rig.log[0][1].endswith("(score 0.10, predicted mIoU 0.80)")
    rig.engine = lambda frame: result_of(1, Reason.DARK)
    rig.now_ns += SECOND - 1
    rig.send(4)
    assert len(said()) == 1
    rig.now_ns += 1
    rig.send(5)
    assert said()[1:] == ["warning: frames are not good: DARK"]
    rig.engine = lambda frame: result_of(1)
    rig.now_ns += SECOND
    rig.send(6)
    assert said()[2:] == ["info: frames are good again"]
    rig.engine, rig.running = lambda frame: result_of(1, Reason.DARK), False
    rig.now_ns += SECOND
    rig.send(7)
    assert len(said()) == 3


def test_another_cause_of_the_same_reasons_is_said_and_other_figures_are_not(rig: Rig) -> None:
    """The driver's size is wrong, then its distortion model: two things to mend, one reason."""

    def refused(why: str) -> None:
        def engine(frame: Frame) -> PerceptionResult:
            raise FrameRejected(Reason.CAMERA_INFO, why)

        rig.engine = engine
        rig.now_ns += SECOND
        rig.send(rig.now_ns // SECOND)
        rig.idle()

    for why in ("a camera_info of 160x120", "a camera_info of 320x240", "a camera_info of 1.5e-3x-7"):
        refused(why)
    assert len(rig.log) == 1
    refused("distortion model 'thin_prism'")
    assert [text.split("(")[1] for _, text in rig.log] == [
        "a camera_info of 160x120)",
        "distortion model 'thin_prism')",
    ]
