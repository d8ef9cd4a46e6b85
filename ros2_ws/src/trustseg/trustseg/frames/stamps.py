# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rules over the stamps and sizes of one stream (faults 6 to 10 and 26); state is explicit, clocks are passed in."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.bounds import MS, SECOND
from trustseg.errors import FrameRejected
from trustseg.reasons import Mode, Reason

# How far two good clocks may drift apart per second: NTP slews by at most 500 ppm.
CLOCK_DRIFT = 1e-3
UNSAID = "none declared"


@dataclass(frozen=True)
class StampConfig:
    """Limits on stamps.

    Attributes:
        mode: LIVE compares stamps with the clock; REPLAY and SIM only with each other.
        future_ns: a stamp further ahead of the clock is wrong (LIVE).
        old_ns: a stamp further behind the clock is wrong (LIVE); a mere backlog is the latency rules' business.
        jump_ns: a change of the clock against the steady clock that counts as a jump (LIVE).
        loop_ns: a step back of more than this is a bag's loop or a simulator's reset, and allowed (REPLAY, SIM).
        rebase_after: this many frames in a row behind the newest stamp, in order among themselves, are a camera whose
            clock was set back: from then on they are the stream.
    """

    mode: Mode = Mode.LIVE
    future_ns: int = 50 * MS
    old_ns: int = 10 * SECOND
    jump_ns: int = 50 * MS
    loop_ns: int = SECOND
    rebase_after: int = 10


def stamp_of(seconds: int, nanoseconds: int) -> int:
    """Integer nanoseconds of a ROS stamp; FrameRejected (STAMP_INVALID) when its fields are out of range."""
    if seconds < 0 or not 0 <= nanoseconds < SECOND:
        raise FrameRejected(
            Reason.STAMP_INVALID,
            "stamp is invalid",
            expected="seconds of at least 0 and nanoseconds below 1e9",
            got=f"{seconds} s {nanoseconds} ns",
        )
    return seconds * SECOND + nanoseconds


class StampCheck:
    """Checks the stamps of one stream in their order of arrival."""

    def __init__(self, config: StampConfig) -> None:
        self.config = config
        self._clocks_ns: tuple[int, int] | None = None
        self._go_on_from(None)

    def check(self, stamp_ns: int, now_ns: int, steady_ns: int) -> int | None:
        """Accept one stamp or raise; a rejected frame does not move the stream on.

        Args:
            stamp_ns: of the frame. now_ns: the clock that stamps are made with. steady_ns: the steady clock.

        Returns:
            Age of the frame in nanoseconds in LIVE mode (slightly negative when clocks differ a little), else None.

        Raises:
            FrameRejected: STAMP_INVALID, CLOCK_JUMP, STAMP_FUTURE, DUPLICATE or STAMP_BACKWARD.
        """
        if stamp_ns <= 0:
            raise FrameRejected(
                Reason.STAMP_INVALID, "stamp is invalid", expected="above 0", got=f"{stamp_ns} ns",
                fix="let the camera driver stamp its frames",
            )  # fmt: skip
        live = self.config.mode == Mode.LIVE
        if live:
            self._check_clock(now_ns, steady_ns)
            self._check_age(stamp_ns, now_ns)
        self._check_order(stamp_ns, live)
        self._go_on_from(stamp_ns)
        return now_ns - stamp_ns if live else None

    def _go_on_from(self, newest_ns: int | None) -> None:
        self._newest_ns = newest_ns
        self._behind_ns: int | None = None
        self._behind_count = 0

    def _check_clock(self, now_ns: int, steady_ns: int) -> None:
        before, self._clocks_ns = self._clocks_ns, (now_ns, steady_ns)
        if before is None:
            return
        passed = steady_ns - before[1]
        jump = (now_ns - before[0]) - passed
        if abs(jump) > self.config.jump_ns + CLOCK_DRIFT * abs(passed):
            # Stamps before and after the jump cannot be compared.
            self._newest_ns = None
            raise FrameRejected(
                Reason.CLOCK_JUMP, "the clock jumped", expected=f"at most {self.config.jump_ns / MS:g} ms",
                got=f"{jump / MS:.1f} ms", fix="let the clock be slewed, not stepped, while driving",
            )  # fmt: skip

    def _check_age(self, stamp_ns: int, now_ns: int) -> None:
        age = now_ns - stamp_ns
        if -age > self.config.future_ns:
            raise FrameRejected(
                Reason.STAMP_FUTURE, "stamp is in the future",
                expected=f"at most {self.config.future_ns / MS:g} ms ahead of the clock", got=f"{-age / MS:.1f} ms",
                fix="synchronise the camera's clock with this computer's",
            )  # fmt: skip
        if age > self.config.old_ns:
            raise FrameRejected(
                Reason.STAMP_INVALID, "stamp is old",
                expected=f"at most {self.config.old_ns / MS:g} ms behind the clock", got=f"{age / MS:.1f} ms",
                fix="synchronise the clocks, or choose mode replay or sim",
            )  # fmt: skip

    def _check_order(self, stamp_ns: int, live: bool) -> None:
        newest = self._newest_ns
        if newest is None or stamp_ns > newest:
            return
        if stamp_ns == newest:
            raise FrameRejected(Reason.DUPLICATE, "stamp was seen before", got=f"{stamp_ns} ns twice")
        if not live and newest - stamp_ns > self.config.loop_ns:
            return
        in_order = self._behind_ns is None or stamp_ns > self._behind_ns
        self._behind_count = self._behind_count + 1 if in_order else 1
        self._behind_ns = stamp_ns
        if self._behind_count >= self.config.rebase_after:
            self._go_on_from(stamp_ns)
        raise FrameRejected(
            Reason.STAMP_BACKWARD, "stamp goes back", expected=f"after {newest} ns",
            got=f"{(newest - stamp_ns) / MS:.1f} ms before it",
        )  # fmt: skip


class ResolutionCheck:
    """The first frame's size holds for the stream (fault 26), unless changes are allowed."""

    def __init__(self, *, allow_change: bool = False) -> None:
        self._allow_change = allow_change
        self._size: tuple[int, int] | None = None

    def allow(self, change: bool) -> None:
        """From now on changes are a fault or are not; the size of the stream stays what it is."""
        self._allow_change = change

    def holds(self, height: int, width: int) -> bool:
        """Whether this is the size of the stream already."""
        return (height, width) == self._size

    def check(self, height: int, width: int) -> None:
        """FrameRejected (RES_CHANGED) when the size changed and that is not allowed."""
        if self._size is None or self._allow_change:
            self._size = (height, width)
        if (height, width) != self._size:
            raise FrameRejected(
                Reason.RES_CHANGED, "resolution changed in the middle of the stream",
                expected=f"{self._size[0]} x {self._size[1]}", got=f"{height} x {width}",
                fix="restart the node, or allow changes of resolution",
            )  # fmt: skip


class EncodingCheck:
    """The first frame's encoding holds for the stream (fault 19, declared), unless changes are allowed.

    A driver that begins to declare another one has been set up anew: nobody knows whether it says what it sends. Of a
    compressed image it is what `format` says of the samples, and nothing said is a declaration like any other.
    """

    def __init__(self, *, allow_change: bool = False) -> None:
        self._allow_change = allow_change
        self._encoding: str | None = None

    def allow(self, change: bool) -> None:
        """From now on changes are a fault or are not; the encoding of the stream stays what it is."""
        self._allow_change = change

    def check(self, encoding: str) -> None:
        """FrameRejected (COLOUR) when the encoding changed and that is not allowed."""
        if self._encoding is None or self._allow_change:
            self._encoding = encoding
        if encoding != self._encoding:
            raise FrameRejected(
                Reason.COLOUR, "encoding changed in the middle of the stream", expected=self._encoding or UNSAID,
                got=encoding[:40] or UNSAID, fix="restart the node, or allow changes of size and encoding",
            )  # fmt: skip


class SourceCheck:
    """The first frame's coordinate frame holds for the stream (fault 29)."""

    def __init__(self) -> None:
        self._frame_id: str | None = None

    def same(self, frame_id: str) -> bool:
        """Whether a frame comes from where the first one came from."""
        if self._frame_id is None:
            self._frame_id = frame_id
        return frame_id == self._frame_id
