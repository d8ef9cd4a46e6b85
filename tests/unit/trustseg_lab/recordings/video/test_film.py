# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Films of which something is not what a player expects."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from bag_factory import HEIGHT, WIDTH, shots, write_video
from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg_lab.faults.health_streams import video_frames
from trustseg_lab.recordings.video import film
from trustseg_lab.recordings.video.film import VideoSource, open_film


def test_a_coding_that_is_unknown_here_is_one_line(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", 2)
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG9/XYZ/AVC"))
    with pytest.raises(InputError, match=r"^the video cannot be decoded, got an unknown coding; convert it to H\.264"):
        VideoSource(path)


def test_a_title_of_another_character_set_is_no_matter(tmp_path: Path) -> None:
    """`UnicodeDecodeError`, before."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Strasse"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(shots(1)[0].image, format="rgb24")))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    assert data.count(b"Strasse") == 1
    path.write_bytes(data.replace(b"Strasse", b"Stra\xdfe!"))
    assert len(list(VideoSource(path).images())) == 1


def test_frames_alone_are_those_of_a_replay(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 5)
    replayed = [np.asarray(each.message.data).reshape(HEIGHT, WIDTH, 3) for each in VideoSource(path).images()]
    frames = video_frames(path, limit=3)
    assert len(frames) == 3
    assert all(np.array_equal(rgb[..., ::-1], bgr) for rgb, bgr in zip(frames, replayed, strict=False))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"a\.mp4 is no bag and not a video that can be read"):
        video_frames(path)


def test_a_film_without_a_picture_is_refused_and_not_an_index_error(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
    for read in (video_frames, VideoSource):
        with pytest.raises(InputError, match=r"sound\.mkv holds no video"):
            read(path)


@pytest.mark.parametrize("rate", [2_000_000_000, 20_000])
def test_a_rate_that_no_camera_has_is_told_and_not_believed(tmp_path: Path, rate: int) -> None:
    """Found by the fuzz of films: a period of 0 ns, and all frames at one time."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for shot in shots(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shot.image, format="rgb24")))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 8 + 20  # dwScale and dwRate of the stream's header
    data[at : at + 8] = struct.pack("<II", 1, rate)
    path.write_bytes(data)

    source = VideoSource(path)
    times = [each.time_ns for each in source.images()]
    assert source.period_ns == SECOND // 10
    assert [b - a for a, b in itertools.pairwise(times)] == [SECOND // 10] * 2
    assert [f"a.avi states {rate:.3g} frames a second: 10 are assumed"] == source.losses


def test_frames_of_a_container_without_times_of_presentation_come_in_their_order(tmp_path: Path) -> None:
    """H.264 puts frames into another order; AVI states only that of coding, and 2 of 6 frames went back in time."""
    source = VideoSource(write_video(tmp_path / "a.avi", 14))
    with av.open(str(source.path)) as container:
        stated = [frame.pts for frame in container.decode(video=0)]
    assert stated != sorted(stated)
    times = [each.time_ns for each in source.images()]
    assert [b - a for a, b in itertools.pairwise(times)] == [SECOND // 10] * 13
    assert source.losses == []


def test_times_that_go_back_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transport streams one behind the other begin anew; a time below 0 is none that MCAP holds."""
    real = film._timed_frames
    times = [100.0, 100.1, 100.2, 0.0, 0.1]
    monkeypatch.setattr(
        film, "_timed_frames", lambda *of: ((frame, at) for (frame, _), at in zip(real(*of), times, strict=True))
    )
    source = VideoSource(write_video(tmp_path / "a.mkv", 5))
    assert [each.time_ns for each in source.images()] == [SECOND + index * SECOND // 10 for index in range(5)]
    assert source.losses == [
        "the times of recording go back by 100.2 s behind 3 messages: what follows is taken a period later"
    ]


@pytest.mark.parametrize("late_s", [1e10, 3e9])
def test_a_time_that_cannot_be_is_the_end_and_told(late_s: float, tmp_path: Path) -> None:
    """An OverflowError, and of the years from 2038 on a struct.error, while the results were written, before."""
    source = VideoSource(write_video(tmp_path / "a.mkv", 4, [0.0, 0.1, 0.2, late_s]))
    assert len(list(source.images())) == 3
    assert source.losses == ["a.mkv is damaged after 3 frames (a time that cannot be)"]


def test_a_stream_that_begins_in_the_middle_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the fuzz of films: an IndexError of PyAV, which knows the streams of the beginning alone."""

    class Torn:
        """A container whose third packet belongs to a stream that was not there."""

        def __init__(self, path: Path) -> None:
            self.real = open_film(path)

        def __getattr__(self, name: str) -> object:
            return getattr(self.real, name)

        def __enter__(self) -> Torn:
            return self

        def __exit__(self, *_: object) -> None:
            self.real.close()

        def demux(self, stream: object) -> Iterator[object]:
            yield from itertools.islice(self.real.demux(stream), 2)
            raise IndexError("list index out of range")

        def decode(self, stream: object) -> Iterator[object]:
            yield from itertools.islice(self.real.decode(stream), 2)
            raise IndexError("list index out of range")

    monkeypatch.setattr("trustseg_lab.recordings.video.film.open_film", Torn)
    source = VideoSource(write_video(tmp_path / "a.mkv", 4))
    assert len(list(source.images())) == 2
    assert source.losses == ["a.mkv is damaged after 2 frames (list index out of range)"]
