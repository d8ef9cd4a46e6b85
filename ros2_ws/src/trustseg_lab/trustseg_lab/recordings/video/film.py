# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Films: the one reader of them, for replay, the camera process and whatever looks at their frames alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.imaging.orientation import upright_frame
from trustseg.imaging.stored_image import limit_decoder
from trustseg_lab.data import shown
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.recorded_image import DEFAULT_RATE_HZ, ORIGIN_NS, RecordedImage, header_at, raw_image
from trustseg_lab.recordings.storage import LATEST_NS, check_file, one_line

RATE_SAMPLE = 1000  # packets whose times tell the rate
MOST_RATE_HZ = 1e4  # frames a second that a camera takes; more is a header that was altered
SLACK_S = 0.5  # by which a video may be shorter than it says
CONTAINER_TICKS = 1e6  # a second of a container


class VideoSource:
    """Frames of a video at its own times. Compressed video repeats a picture exactly where nothing moves."""

    topic, repeats = "", True
    names: Sequence[str] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lost: list[str] = []
        self._timeless = ""  # what is wrong with the times that it states
        with open_film(path) as container:
            stream = container.streams.video[0]
            self.count = int(stream.frames or 0)
            # Not the average rate: a pause in the recording is no slower camera.
            self._step_s = _median_step_s(container, stream) or 1.0 / (
                float(stream.average_rate or 0) or DEFAULT_RATE_HZ
            )
            if self._step_s * MOST_RATE_HZ < 1.0:
                stated = f"{1.0 / self._step_s:.3g}" if self._step_s > 0.0 else "endlessly many"
                self._timeless = f"{shown(path.name)} states {stated} frames a second: {DEFAULT_RATE_HZ:g} are assumed"
                self._step_s = 1.0 / DEFAULT_RATE_HZ
            self.period_ns: int | None = round(SECOND * self._step_s)

    @property
    def losses(self) -> list[str]:
        """See `ImageSource`."""
        return self._lost

    def images(self) -> Iterator[RecordedImage]:
        """See `ImageSource`."""
        import av

        self._lost = [self._timeless] if self._timeless else []
        told = len(self._lost)
        index, time_ns, onward = -1, ORIGIN_NS, OnwardTime(round(SECOND * self._step_s))
        with open_film(self.path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            first: float | None = None
            try:
                for index, (frame, shown_s) in enumerate(_timed_frames(container, stream)):
                    time_s = index * self._step_s if self._timeless or shown_s is None else shown_s
                    first = time_s if first is None else first
                    stated_ns = ORIGIN_NS + round((time_s - first) * SECOND)
                    if abs(stated_ns) > LATEST_NS:
                        told_as = f"{shown(self.path.name)} is damaged after {index} frames"
                        self._lost.append(f"{told_as} (a time that cannot be)")
                        break
                    time_ns, upright = onward.of(stated_ns), upright_frame(frame)
                    yield RecordedImage(index, time_ns, raw_image(header_at(time_ns), upright), False)
            except (av.FFmpegError, IndexError) as error:  # IndexError: PyAV, where a stream begins behind the header
                self._lost.append(f"{shown(self.path.name)} is damaged after {index + 1} frames ({one_line(error)})")
            if self.count > index + 1 and len(self._lost) == told:
                self._lost.append(f"{shown(self.path.name)} ends after {index + 1} of {self.count} frames")
            stated_s, ended_s = _stated_s(container), (time_ns - ORIGIN_NS) / SECOND + self._step_s
            if not self._lost and ended_s + SLACK_S < stated_s:
                self._lost.append(f"{shown(self.path.name)} ends after {ended_s:.1f} of {stated_s:.1f} s")
            self._lost += onward.told()

    def close(self) -> None:
        """See `ImageSource`."""


def _timed_frames(container: Any, stream: Any) -> Iterator[tuple[Any, float | None]]:
    """(frame, its time in seconds), in the order in which they are shown.

    AVI has no times of presentation: FFmpeg gives those of its packets, which are in the order of coding, to frames
    that it has put into another order. There the n-th frame has the time of the n-th packet.
    """
    if container.format.name != "avi":
        yield from ((frame, frame.time) for frame in container.decode(stream))
        return
    stated: deque[float] = deque()
    for packet in container.demux(stream):
        if packet.pts is not None and stream.time_base is not None:
            stated.append(float(packet.pts * stream.time_base))
        for frame in packet.decode():
            yield frame, stated.popleft() if stated else None


def _median_step_s(container: Any, stream: Any) -> float:
    """Seconds between frames by the times of the first packets, which come in order of decoding; 0 without times."""
    import av

    times: list[int] = []
    with suppress(av.FFmpegError, IndexError):
        times += [packet.pts for packet in islice(container.demux(stream), RATE_SAMPLE) if packet.pts is not None]
    steps = sorted(b - a for a, b in pairwise(sorted(times)) if b > a)
    return float(steps[len(steps) // 2] * stream.time_base) if steps and stream.time_base else 0.0


def _stated_s(container: Any) -> float:
    """How long a video says that it is, seconds; 0 where it does not say that of its pictures."""
    stream = container.streams.video[0]
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1 and container.duration is not None
    return container.duration / CONTAINER_TICKS if alone else 0.0


def open_film(path: Path) -> Any:
    """The open container of a film, its decoder bounded; InputError where it is none that can be decoded."""
    import av

    check_file(path)
    try:
        # Not the bare name: in 2024-05-01T10:00:00.mp4 FFmpeg would see a protocol. Titles may be of any character set.
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise InputError(
            f"{path} is no bag and not a video that can be read", got=error.strerror or one_line(error),
            fix="give a ROS bag, a video or a folder of images",
        ) from error  # fmt: skip
    if not container.streams.video:
        container.close()
        raise InputError(f"{path} holds no video", fix="give a ROS bag, a video or a folder of images")
    try:
        limit_decoder(container.streams.video[0])
    except InputError:
        container.close()
        raise
    return container
