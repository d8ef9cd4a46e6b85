# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""True quality by hand, and what the pictures of a drive show at which moment."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from trustseg.reasons import Reason, State
from trustseg_lab.demo.contact_sheet import chosen_moments, write_contact_sheet
from trustseg_lab.demo.flag import FlagView
from trustseg_lab.demo.moments import Moment
from trustseg_lab.demo.overlay import BANNER, OverlayPainter
from trustseg_lab.demo.paint import ClassColor
from trustseg_lab.demo.summary import Injected, Percentiles, Summary
from trustseg_lab.demo.timeline_chart import write_timeline
from trustseg_lab.demo.truth import class_table, frame_quality
from trustseg_lab.demo.words import main_reason, reason_words

CLASSES = [ClassColor("road", (90, 60, 120)), ClassColor("car", (200, 10, 10))]
GOOD = FlagView(False, State.OK, Reason.NONE)
BAD = FlagView(True, State.FAILED, Reason.LOW_QUALITY)
NAN = math.nan


class TestTruth:
    def test_quality_is_the_mean_iou_of_the_classes_that_are_there(self) -> None:
        truth = np.array([[0, 0, 0, 0], [1, 1, 1, 1]], np.uint8)
        mask = np.array([[0, 0, 0, 1], [1, 1, 2, 2]], np.uint8)
        # class 0: 3 of 4 | class 1: 2 of 4 + 1; class 2 is not there and counts only against the others
        assert frame_quality(mask, truth, 3) == pytest.approx((3 / 4 + 2 / 5) / 2)

    def test_a_class_below_one_percent_does_not_count(self) -> None:
        truth = np.zeros((20, 20), np.uint8)
        truth[0, :3] = 1
        assert frame_quality(np.zeros((20, 20), np.uint8), truth, 2) == pytest.approx(397 / 400)

    def test_labels_are_stretched_to_the_mask_and_unlabelled_pixels_left_out(self) -> None:
        truth = np.full((4, 4), 255, np.uint8)
        truth[:, :2] = 1
        assert frame_quality(np.array([[1, 0], [1, 0]], np.uint8), truth, 2) == 1.0
        assert math.isnan(frame_quality(np.zeros((2, 2), np.uint8), np.full((4, 4), 255, np.uint8), 2))

    def test_classes_are_matched_by_name(self) -> None:
        table = class_table(["sky", "road", "car"], ["road", "sky"])
        assert [int(table[i]) for i in (0, 1, 2, 255)] == [1, 0, 255, 255]


class TestWords:
    def test_the_cause_comes_before_its_consequences(self) -> None:
        assert main_reason(Reason.INPUT_STALE | Reason.STATUS_STALE) == "STATUS_STALE"
        assert main_reason(Reason.LOW_CONFIDENCE | Reason.LOW_QUALITY) == "LOW_QUALITY"
        assert main_reason(Reason.RECOVERING | Reason.LATENCY) == "LATENCY"
        assert main_reason(Reason.RECOVERING) == "RECOVERING"
        assert main_reason(Reason.NONE) == ""

    def test_every_reason_has_words(self) -> None:
        for reason in Reason:
            assert reason.name is None or "_" not in reason_words(reason.name)


@pytest.fixture
def moments(tmp_path: Path) -> list[Moment]:
    """Ten moments of 0.1 s: clear, fog from 0.3 s with the flag up from 0.5 s, no picture at 0.8 s, clear again."""
    paths = {}
    for name, shade in (("image", 120), ("mask", 1), ("confidence", 200)):
        paths[name] = tmp_path / f"{name}.png"
        cv2.imwrite(str(paths[name]), np.full((36, 48), shade, np.uint8))
    made = [
        Moment(
            slot=k, time_s=k / 10, image=paths["image"], repeated=False, mask=paths["mask"],
            confidence=paths["confidence"], flag=BAD if 5 <= k < 9 else GOOD, trouble="fog" if 3 <= k < 9 else "",
            severity=0.5 if 3 <= k < 9 else 0.0, predicted=0.8, true=0.7,
        )
        for k in range(10)
    ]  # fmt: skip
    made[8] = replace(made[8], image=None, mask=None, confidence=None, predicted=NAN, true=NAN)
    return made


@pytest.fixture
def summary() -> Summary:
    fog = Injected("fog", 0.3, 0.9, 0.4, True, False, False, 100.0, ("LOW_QUALITY",))
    return Summary(
        frames_sent=9, sent_while_down=0, statuses=9, masks=9, lost=0, skipped=0, rejected=0, backend="onnxruntime",
        bundle="tiny", rate_hz=10.0, duration_s=1.0, engine_ms=Percentiles(1, 2), latency_ms=Percentiles(3, 4),
        miou_mean=0.7, miou_clear=0.7, false_alarm_s=0.0, clear_s=0.4, recovery_s=1.8, flag_up_s=0.4,
        flag_reasons=("LOW_QUALITY",), flag_never_down=False, rejected_for={}, injected=(fog,), problems=(), ok=True,
    )  # fmt: skip


class TestPictures:
    def test_the_sheet_shows_clear_road_and_each_trouble_once_its_flag_is_up(
        self, moments: list[Moment], summary: Summary
    ) -> None:
        chosen = chosen_moments(moments, summary)
        assert [(title, m.slot) for title, m in chosen] == [("clear road", 2), ("fog growing", 7)]
        assert chosen[1][1].mask is not None  # the moment without a mask is passed over

    def test_the_sheet_without_trouble_shows_evenly_spaced_moments(
        self, moments: list[Moment], summary: Summary
    ) -> None:
        slots = [m.slot for _, m in chosen_moments(moments, replace(summary, injected=()))]
        assert slots == sorted(slots)
        assert len(slots) == 6

    def test_the_banner_is_green_or_red(self, moments: list[Moment]) -> None:
        painter = OverlayPainter(moments, CLASSES)
        colours = [np.asarray(painter.paint(m))[BANNER[1] + 4, BANNER[2] // 2] for m in moments]
        for colour, moment in zip(colours, moments, strict=True):
            assert (colour[0] > colour[1]) == moment.flag.up

    def test_a_frame_without_picture_shows_the_last_one_darkened(self, moments: list[Moment]) -> None:
        painter = OverlayPainter(moments, CLASSES)
        shades = [int(np.asarray(painter.paint(m))[240, 60, 0]) for m in moments[:9]]
        assert shades[7] == pytest.approx(120, abs=2)
        assert 20 < shades[8] < 40

    def test_the_pictures_are_written_with_and_without_labels(
        self, tmp_path: Path, moments: list[Moment], summary: Summary
    ) -> None:
        unknown = [replace(m, true=NAN) for m in moments]
        for name, drive, figures in (
            ("labelled", moments, summary),
            ("unknown", unknown, replace(summary, miou_mean=NAN, false_alarm_s=NAN, clear_s=NAN, injected=())),
        ):
            write_timeline(tmp_path / f"{name}_timeline.png", drive, figures)
            write_contact_sheet(tmp_path / f"{name}_sheet.png", drive, figures, CLASSES)
            for picture in ("timeline", "sheet"):
                image = cv2.imread(str(tmp_path / f"{name}_{picture}.png"))
                assert float(image.std()) > 10
