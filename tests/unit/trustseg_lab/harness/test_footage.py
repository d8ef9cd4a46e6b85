# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How footage is sampled to a drive's rate, and what becomes of pauses, refused messages and bad files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bag_factory import FIRST_NS, bag_file, shots, write_bag, write_video
from trustseg.errors import InputError
from trustseg_lab.harness.footage import FootageOptions, TimedFrame, at_rate, drive_frames, footage_drive
from trustseg_lab.harness.refused import Refused
from trustseg_lab.harness.script import Trouble


def taken(times: list[float], rate_hz: float, own_hz: float) -> list[int]:
    frames = [TimedFrame(t, bytes([i])) for i, t in enumerate(times)]
    return [-1 if f is None else f.image[0] for f in at_rate(iter(frames), rate_hz, own_hz)]


class TestSampling:
    def test_a_lower_rate_takes_the_newest_frame_that_is_due(self) -> None:
        # 25 frames a second taken at 10: due 0, 0.1, 0.2 ... -> frames 0, 2, 5, 7, 10 (at 0.4).
        assert taken([i / 25 for i in range(13)], 10.0, 25.0)[:5] == [0, 2, 5, 7, 10]

    def test_the_own_rate_takes_every_frame_in_spite_of_jitter(self) -> None:
        times = [i / 10 + (0.02 if i % 2 else 0.0) for i in range(20)]
        assert taken(times, 10.0, 10.0) == list(range(20))

    def test_a_pause_is_one_of_the_drive_and_no_frame_is_taken_twice(self) -> None:
        times = [0.0, 0.1, 0.2, 1.0, 1.1]
        assert taken(times, 10.0, 10.0) == [0, 1, 2, *[-1] * 7, 3, 4]

    def test_a_long_pause_is_shortened(self) -> None:
        assert taken([0.0, 0.1, 3600.0], 10.0, 10.0) == [0, 1, *[-1] * 50, 2]

    def test_a_clock_that_steps_back_makes_no_pause(self) -> None:
        assert taken([100.0, 100.1, 0.0, 0.1], 10.0, 10.0)[-1] == 3

    def test_frames_without_times_follow_one_another(self) -> None:
        assert taken([0.0] * 4, 10.0, 0.0) == [0, 1, 2, 3]


class TestFootage:
    def test_a_folder_of_images_becomes_a_drive_in_natural_order(self, tmp_path: Path) -> None:
        for number in (10, 9, 1):
            cv2.imwrite(str(tmp_path / f"frame{number}.png"), np.full((40, 60, 3), number * 20, np.uint8))
        (tmp_path / "notes.txt").write_text("no image")
        drive, *_ = footage_drive(tmp_path, FootageOptions(rate_hz=5.0), tmp_path / "drive")
        shades = [int(cv2.imread(str(drive.image_path(i))).mean()) for i in range(drive.slots)]
        assert shades == pytest.approx([20, 180, 200], abs=1)
        assert (drive.rate_hz, drive.labelled) == (5.0, False)

    def test_companions_of_another_system_are_told(self, tmp_path: Path) -> None:
        for name in ("a.png", "._a.png"):
            cv2.imwrite(str(tmp_path / name), np.full((40, 60, 3), 90, np.uint8))
        drive, _, notes = footage_drive(tmp_path, FootageOptions(), tmp_path / "drive")
        assert drive.slots == 1
        assert notes == [f"1 files ._* in {tmp_path} are macOS attributes and no images: passed over"]

    def test_a_jpeg_is_copied_as_it_is(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "a.jpg"), noise)
        drive, *_ = footage_drive(tmp_path, FootageOptions(), tmp_path / "drive")
        assert drive.image_path(0).read_bytes() == (tmp_path / "a.jpg").read_bytes()

    def test_a_video_is_taken_at_the_drives_rate(self, tmp_path: Path) -> None:
        video = tmp_path / "clip.avi"
        writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 20.0, (64, 48))
        for i in range(40):
            writer.write(np.full((48, 64, 3), i * 6, np.uint8))
        writer.release()
        drive, *_ = footage_drive(video, FootageOptions(rate_hz=10.0, limit_s=1.5), tmp_path / "drive")
        assert drive.slots == 15
        assert int(cv2.imread(str(drive.image_path(5))).mean()) == pytest.approx(10 * 6, abs=4)
        # It repeats images where nothing moves, which a replay does not call a frozen camera: nor does the node, then.
        assert (drive.film, drive.mode) == (True, "sim")
        again = replace(drive, troubles=(Trouble("frozen", 0.5, 1.0, 0.0),))
        assert again.mode == "live"
        assert replace(drive, film=False).mode == "live"
        with pytest.raises(InputError, match="above the footage's own rate"):
            footage_drive(video, FootageOptions(rate_hz=30.0), tmp_path / "again")

    def test_what_the_node_refuses_is_a_frame_of_the_drive(self, tmp_path: Path) -> None:
        whole = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))[1].tobytes()
        for name, data in (("0.jpg", whole), ("1.jpg", whole[: len(whole) // 2]), ("2.png", b"not a picture")):
            (tmp_path / name).write_bytes(data)
        drive, _, (note,) = footage_drive(tmp_path, FootageOptions(), tmp_path / "drive")
        assert "BAD_IMAGE 2" in note
        assert "1.jpg" in note
        first, cut, no_picture = drive_frames(drive.folder)
        assert first == whole
        assert isinstance(cut, Refused)
        assert (cut.height, cut.width, cut.data) == (48, 64, whole[: len(whole) // 2])
        assert isinstance(no_picture, Refused)
        assert (no_picture.height, no_picture.data) == (0, b"not a picture")
        assert drive.compressed  # no raw image is broken in that way

    def test_a_bag_of_an_encoding_that_is_refused_stays_as_it_is(self, tmp_path: Path) -> None:
        images = shots(3)
        images[1].changes = {"encoding": "nonesuch"}
        drive, _, (note,) = footage_drive(write_bag(tmp_path / "bag", images), FootageOptions(), tmp_path / "drive")
        assert "BAD_ENCODING 1" in note
        _, refused, _ = drive_frames(drive.folder)
        assert isinstance(refused, Refused)
        assert (refused.encoding, refused.step, len(refused.data)) == ("nonesuch", 3 * 96, 3 * 96 * 72)

    def test_a_cut_recording_is_taken_as_far_as_it_is_whole(self, tmp_path: Path) -> None:
        path = bag_file(write_bag(tmp_path / "bag", shots(120)))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        drive, _, (note,) = footage_drive(path, FootageOptions(), tmp_path / "drive")
        assert 20 < drive.slots < 120
        assert "cut off" in note

    @pytest.mark.parametrize("kind", ["video", "bag"])
    def test_the_rate_is_that_between_the_pauses(self, kind: str, tmp_path: Path) -> None:
        times = [i / 10 + (2.5 if i >= 12 else 0.0) for i in range(24)]
        if kind == "bag":
            images = shots(24)
            for shot, time_s in zip(images, times, strict=True):
                shot.stamp_ns = shot.time_ns = FIRST_NS + round(time_s * 1e9)
            path = write_bag(tmp_path / "bag", images)
        else:
            path = write_video(tmp_path / "pause.mp4", 24, times)
        drive, _, notes = footage_drive(path, FootageOptions(), tmp_path / "drive")
        frames = list(drive_frames(drive.folder))
        assert (drive.rate_hz, notes) == (pytest.approx(10.0), [])
        assert [frame is None for frame in frames] == [False] * 12 + [True] * 25 + [False] * 12

    def test_stamps_of_zero_leave_the_times_of_recording(self, tmp_path: Path) -> None:
        images = shots(8, period_ns=50_000_000)
        for shot in images:
            shot.stamp_ns = 0
        drive, *_ = footage_drive(write_bag(tmp_path / "bag", images), FootageOptions(rate_hz=20.0), tmp_path / "d")
        assert drive.slots == 8

    def test_what_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        (tmp_path / "text.mp4").write_text("not a video")
        cases = {"missing.mp4": "there is no", "empty": "no images", "text.mp4": "not a video"}
        for name, words in cases.items():
            with pytest.raises(InputError, match=words):
                footage_drive(tmp_path / name, FootageOptions(), tmp_path / f"drive_{name}")
