# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Transforms between frames as tf says them: the newest of each frame, chained over their parents. No ROS."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trustseg.bounds import MS
from trustseg.camera.transform import UNMOVED, Transform
from trustseg.errors import InputError

MOST_FRAMES = 1000


@dataclass(frozen=True)
class _Link:
    """A frame's parent, and when that was heard; None: it holds for ever."""

    parent: str
    transform: Transform
    heard_ns: int | None


class TransformTree:
    """Keeps what was heard last of each frame.

    Args:
        max_age_ns: a transform that is said again and again, and was heard longer ago, is not believed.
    """

    def __init__(self, max_age_ns: int) -> None:
        self._max_age_ns = max_age_ns
        self._links: dict[str, _Link] = {}
        self._left_out: dict[str, str] = {}  # frame -> what was wrong with what was said of it last

    def take(self, transforms: Iterable[Any], heard_ns: int | None) -> None:
        """Take the transforms of a message (geometry_msgs/TransformStamped).

        What cannot be is left out, and with it what was known of that frame: it holds no more.

        Args:
            heard_ns: by the steady clock; None: they hold for ever (/tf_static).
        """
        for each in transforms:
            child, parent = _name(each.child_frame_id), _name(each.header.frame_id)
            move, turn = each.transform.translation, each.transform.rotation
            try:
                if not child or not parent or child == parent:
                    raise InputError("a transform", expected="two frames", got=f"{parent!r} and {child!r}")
                if child not in self._links and len(self._links) >= MOST_FRAMES:
                    raise InputError("transforms", expected=f"at most {MOST_FRAMES} frames", got=f"one more, {child!r}")
                transform = Transform.of(move.x, move.y, move.z, (turn.x, turn.y, turn.z, turn.w))
            except InputError as error:
                self._links.pop(child, None)
                if child in self._left_out or len(self._left_out) < MOST_FRAMES:
                    self._left_out[child] = f"{child!r} in {parent!r}: {error}"
                continue
            self._left_out.pop(child, None)
            self._links[child] = _Link(parent, transform, heard_ns)

    def between(self, target: str, source: str, now_ns: int) -> Transform:
        """Points of the frame `source` in `target`; `now_ns` by the steady clock.

        What is above the frame in which their ways to the root meet is not looked at: it may be old, or missing.

        Raises:
            InputError: the two are not connected, a transform on the way is too old, or its frames form a ring.
        """
        up, lost_above = self._upwards(_name(source), now_ns)
        down, lost_below = self._upwards(_name(target), now_ns)
        met = next((frame for frame in up if frame in down), None)
        if met is None:
            why = dict.fromkeys(filter(None, (lost_above, lost_below)))
            raise InputError("; ".join([f"tf does not connect {_name(source)!r} with {_name(target)!r}", *why]))
        return down[met].inverse() @ up[met]

    def _upwards(self, frame: str, now_ns: int) -> tuple[dict[str, Transform], str]:
        """From `frame` towards the root: each frame, and points of the first one in it; and what ended the way, empty
        where that was the root."""
        found = {frame: UNMOVED}
        while (link := self._links.get(frame)) is not None:
            if link.heard_ns is not None and now_ns - link.heard_ns > self._max_age_ns:
                age_ms = (now_ns - link.heard_ns) / MS
                return found, f"tf has not said for {age_ms:.0f} ms where {frame!r} is in {link.parent!r}"
            if link.parent in found:
                before = list(found).index(link.parent)  # of a frame in the ring nobody knows the place
                return dict(list(found.items())[:before]), f"the frames of tf form a ring at {link.parent!r}"
            found[link.parent] = link.transform @ found[frame]
            frame = link.parent
        return found, self._left_out.get(frame, "")


def _name(frame: str) -> str:
    """Without the slash that ROS 1 began names with."""
    return frame.removeprefix("/")
