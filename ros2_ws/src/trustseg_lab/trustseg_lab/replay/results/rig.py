# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The flag of a rig over a recording: up while that of any camera that a planner needs is up, or has no image yet.

From the results of each camera alone, as the rig's monitor makes its verdict from those of the cameras' monitors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trustseg.bounds import SECOND

Span = tuple[int, int]


@dataclass(frozen=True)
class CameraDrive:
    """What is needed of one camera's summary.

    Attributes:
        name: of its results' folder. topic: of its images.
        first_ns, end_ns: recorded time of its first image, and a period after its last.
        trusted_ns: end of its start-up. up: when its flag was up, disjoint and in order, start-up among them.
    """

    name: str
    topic: str
    first_ns: int
    end_ns: int
    trusted_ns: int
    up: tuple[Span, ...]

    @classmethod
    def silent(cls, topic: str, begin_ns: int, end_ns: int) -> CameraDrive:
        """A camera without results, whose flag is up from the first to the last moment; it has no start-up."""
        return cls("", topic, begin_ns, end_ns, begin_ns, union([(begin_ns, end_ns)]))

    @classmethod
    def of(cls, name: str, summary: Mapping[str, Any]) -> CameraDrive:
        """From the summary.json of its replay."""
        given, metrics = summary["input"], summary["metrics"]
        first_ns = int(given["first_ns"])
        end_ns = int(given["last_ns"]) + round(SECOND / given["rate_hz"])
        trusted_ns = min(first_ns + round(metrics["start_up_s"] * SECOND), end_ns)
        up = [(first_ns, trusted_ns)]
        for each in summary["failures"]:
            begin_ns, until_ns = (first_ns + round(each[name] * SECOND) for name in ("start_s", "end_s"))
            up.append((begin_ns, min(until_ns, end_ns)))
        return cls(name, given["topic"], first_ns, end_ns, trusted_ns, union(up))


def rigs_of(
    drives: Sequence[tuple[str, Mapping[str, Any]]], required: Collection[str] = (),
    failed: Mapping[str, Collection[str]] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The rig of each recording of which several cameras were to be replayed.

    Args:
        drives: name and summary of each camera, those of one recording beside each other.
        required: topics of the cameras that raise the rig's flag; empty: all. Of a recording with none of them: all.
            One that a recording has not, of which others are required, is silent all the time.
        failed: topics of cameras that could not be replayed, by the recording's fingerprint; they are silent too.

    Returns:
        One document a recording: `input`, `required` (topics), `duration_s`, `start_up_s`, `flag_up_share` of all its
        time, `failure_share` of the time after start-up, and `cameras`: `name`, `topic`, `required`, `failure_share`
        of the same time, and `alone_share`, while no other required camera's flag was up. A share of no time is None;
        a silent camera has no name.
    """
    by_input: dict[str, list[CameraDrive]] = {}
    for name, summary in drives:
        if summary["input"]["topic"]:
            by_input.setdefault(summary["input"]["fingerprint"], []).append(CameraDrive.of(name, summary))
    titles = {summary["input"]["fingerprint"]: summary["input"]["name"] for _, summary in drives}
    rigs = []
    for key, found in by_input.items():
        lost = set((failed or {}).get(key, ()))
        there = lost | {each.topic for each in found}
        if there & set(required):
            lost |= set(required) - there
        if len(found) + len(lost) > 1:
            rigs.append(_rig(titles[key], found, sorted(lost), required))
    return rigs


def union(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The same time as disjoint spans in order; empty ones are left out."""
    made: list[Span] = []
    for begin, end in sorted(each for each in spans if each[0] < each[1]):
        if made and begin <= made[-1][1]:
            made[-1] = (made[-1][0], max(made[-1][1], end))
        else:
            made.append((begin, end))
    return tuple(made)


def length_ns(spans: Sequence[Span], begin_ns: int, end_ns: int) -> int:
    """How much of the time from `begin_ns` to `end_ns` disjoint spans cover."""
    return sum(max(0, min(end, end_ns) - max(begin, begin_ns)) for begin, end in spans)


def _rig(title: str, heard: Sequence[CameraDrive], lost: Sequence[str], required: Collection[str]) -> dict[str, Any]:
    begin_ns, end_ns = min(c.first_ns for c in heard), max(c.end_ns for c in heard)
    cameras = [*heard, *(CameraDrive.silent(topic, begin_ns, end_ns) for topic in lost)]
    # A camera that has no image yet, or none any more, is silent.
    # By place: of two copies of a recording in one command each has a camera of that topic.
    up = [union([(begin_ns, c.first_ns), *c.up, (c.end_ns, end_ns)]) for c in cameras]
    places = range(len(cameras))
    needed = [p for p in places if cameras[p].topic in required] or list(places)
    trusted_ns = min(max(cameras[p].trusted_ns for p in needed), end_ns)

    def together(places: Sequence[int]) -> tuple[Span, ...]:
        return union([span for place in places for span in up[place]])

    def share(spans: Sequence[Span], since_ns: int) -> float | None:
        return length_ns(spans, since_ns, end_ns) / (end_ns - since_ns) if end_ns > since_ns else None

    rows = []
    for place, camera in enumerate(cameras):
        others = together([each for each in needed if each != place])
        with_it = union([*others, *up[place]])
        alone_ns = length_ns(with_it, trusted_ns, end_ns) - length_ns(others, trusted_ns, end_ns)
        rows.append(
            {
                "name": camera.name, "topic": camera.topic, "required": place in needed,
                "failure_share": share(up[place], trusted_ns),
                "alone_share": alone_ns / (end_ns - trusted_ns) if end_ns > trusted_ns else None,
            }
        )  # fmt: skip
    flag = together(needed)
    return {
        "input": title, "required": [cameras[p].topic for p in needed], "duration_s": (end_ns - begin_ns) / SECOND,
        "start_up_s": (trusted_ns - begin_ns) / SECOND, "flag_up_share": share(flag, begin_ns),
        "failure_share": share(flag, trusted_ns), "cameras": rows,
    }  # fmt: skip
