# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The main job from end to end: make a drive, drive it through the real processes, judge it, picture it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import Progress

from trustseg.backend_registry import backend_order
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.loading import Bundle, checked_bundle
from trustseg.cli.bars import Bars
from trustseg.errors import InputError
from trustseg.host.ros_env import discovery_note, find_ros
from trustseg_lab.demo.drive_output import (
    OVERLAY_FILE,
    RECORDING_FOLDER,
    SHEET_FILE,
    SUMMARY_FILE,
    TIMELINE_FILE,
    OutputFolder,
)  # fmt: skip
from trustseg_lab.demo.drive_session import DriveSession, SessionOptions, drive_bounds
from trustseg_lab.demo.drive_session import Progress as DriveProgress
from trustseg_lab.demo.moments import drive_moments
from trustseg_lab.demo.summary import Summary, summarize
from trustseg_lab.demo.truth import drive_quality
from trustseg_lab.demo.words import main_reason, reason_words
from trustseg_lab.harness.drive_folder import Drive
from trustseg_lab.harness.footage import DEFAULT_LIMIT_S, DEFAULT_RATE_HZ, FootageOptions, footage_drive
from trustseg_lab.harness.records import Observation
from trustseg_lab.harness.rendered import rendered_drive
from trustseg_lab.harness.script import ALL_KINDS, SYSTEM_KINDS, TITLES, parse_kinds, plan_script
from trustseg_lab.harness.transport import drive_environment


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for; see `trustseg run --help`."""

    out: Path
    source: Path | None = None
    topic: str | None = None
    rate_hz: float | None = None
    duration_s: float | None = None
    trouble: str | None = None
    bundle: str = DEFAULT_BUNDLE
    backend: str = "auto"
    threads: int = 2
    seed: int = 0


def run_drive(options: RunOptions, console: Console) -> Summary:
    """Do it all; the results lie in `options.out` on return, and nowhere else.

    Args:
        options: what the user asked for.
        console: progress and notes.

    Raises:
        TrustSegError: bad input, or a process that failed; nothing is left running or half written.
        KeyboardInterrupt: Ctrl-C or SIGTERM; the same holds.
    """
    _check_options(options)
    _check_ros()
    bundle = checked_bundle(options.bundle)
    if note := discovery_note():
        console.print(f"trustseg: {note} is set; the drive's own processes do without", markup=False, soft_wrap=True)
    with _one_interrupt(), OutputFolder(options.out) as folder, Bars(console) as bars:
        drive = _prepare(options, folder.work / "drive", bars)
        observation = _drive(drive, options, bundle, folder, bars)
        classes = [c.name for c in bundle.card.classes]
        with _bar(bars, "comparing with the truth", len(observation.sent)) as tick:
            quality = drive_quality(drive, observation, classes, tick)
        summary = summarize(drive.script, observation, quality, bundle.card.name, drive_bounds(drive.rate_hz))
        _pictures(drive, observation, quality, summary, bundle, folder.result, bars)
        document = json.dumps(summary.to_json(), indent=2, allow_nan=False)
        (folder.result / SUMMARY_FILE).write_text(document + "\n", encoding="utf-8")
        folder.publish()
    return summary


def _check_options(options: RunOptions) -> None:
    backend_order(options.backend)  # refuses unknown names
    for name, value, low, high in (
        ("--rate", options.rate_hz, 1.0, 60.0),
        ("--duration", options.duration_s, 2.0, 3600.0),
        ("--threads", options.threads, 1, 64),
        ("--seed", options.seed, 0, 2**31 - 1),
    ):
        if value is not None and not low <= value <= high:  # NaN is refused too
            raise InputError(f"{name} is out of range", expected=f"{low:g} to {high:g}", got=f"{value:g}")


def _check_ros() -> None:
    ros = find_ros()
    if ros.source == "none" or ros.workspace is None:
        raise InputError(
            "ROS 2 or the messages of this product are missing here", expected="rclpy and trustseg_interfaces",
            fix="run scripts/setup.sh, which ./demo.sh does by itself",
        )  # fmt: skip


def _prepare(options: RunOptions, folder: Path, bars: Progress) -> Drive:
    if options.source is None:
        return _rendered(options, bars)
    kinds = parse_kinds(options.trouble or "none", SYSTEM_KINDS)
    limit_s = DEFAULT_LIMIT_S if options.duration_s is None else options.duration_s
    asked = FootageOptions(options.topic, options.rate_hz, limit_s, kinds)
    with _bar(bars, f"reading {options.source.name}", None) as tick:
        drive, left_out, notes = footage_drive(options.source, asked, folder, lambda seconds: tick())
    for line in notes:
        bars.console.print(f"trustseg: {line}", style="yellow", markup=False, soft_wrap=True)
    if drive.film:
        told = "no frozen camera (mode sim)" if drive.mode == "sim" else "a frozen camera, for one is in the script"
        bars.console.print(f"a video repeats images where nothing moves: equal ones are {told}", soft_wrap=True)
    _note_left_out(bars, left_out, drive.slots / drive.rate_hz)
    if options.duration_s is None and drive.slots / drive.rate_hz >= limit_s:
        bars.console.print(f"taking the first {limit_s:.0f} s; --duration SECONDS takes more")
    return drive


def _rendered(options: RunOptions, bars: Progress) -> Drive:
    if options.topic is not None:
        raise InputError("--topic is for bags", fix="give a bag with --input, or leave --topic out")
    kinds = parse_kinds(options.trouble or "all", ALL_KINDS)
    script, left_out = plan_script(kinds, options.rate_hz or DEFAULT_RATE_HZ, options.duration_s)
    _note_left_out(bars, left_out, script.duration_s)
    task = None

    def show(done: int, total: int) -> None:
        nonlocal task
        if task is None:
            task = bars.add_task("rendering the drive (kept for the next time)", total=total)
            _say(bars, f"rendering a drive of {script.duration_s:.0f} s, once: it is kept for the next time")
        bars.update(task, completed=done)

    drive = rendered_drive(script, options.seed, progress=show)
    if task is not None:
        bars.remove_task(task)
    return drive


def _note_left_out(bars: Progress, kinds: tuple[str, ...], duration_s: float) -> None:
    if kinds:
        bars.console.print(f"left out, {duration_s:g} s are too short for them: {', '.join(TITLES[k] for k in kinds)}")


def _drive(drive: Drive, options: RunOptions, bundle: Bundle, folder: OutputFolder, bars: Progress) -> Observation:
    session_options = SessionOptions(
        bundle=bundle.path, backend=options.backend, threads=options.threads, work=folder.work,
        recording=folder.result / RECORDING_FOLDER,
    )  # fmt: skip
    folder.work.mkdir(exist_ok=True)
    length = f"{drive.slots / drive.rate_hz:.0f} s at {drive.rate_hz:g} images a second"
    _say(bars, f"driving {drive.name} through camera, segmenter, monitor and recorder: {length}")
    task = bars.add_task("starting camera, segmenter, monitor, recorder", total=drive.slots)

    def show(now: DriveProgress) -> None:
        bars.update(task, completed=now.slot, description=_headline(drive, now))

    with drive_environment(folder.work / "logs" / "ros") as environment:
        observation = DriveSession(drive, session_options, environment).run(show)
    bars.remove_task(task)
    return observation


def _headline(drive: Drive, now: DriveProgress) -> str:
    trouble = drive.script.trouble_at(drive.script.time_s(now.slot))
    road = TITLES[trouble.kind] if trouble else "clear road"
    if not now.flag_up:
        return (
            f"driving: [yellow]{road}[/] | [green]flag down[/]" if trouble else f"driving: {road} | [green]flag down[/]"
        )
    name = main_reason(now.reasons)
    return f"driving: {road} | [bold red]FLAG UP[/] {reason_words(name) if name else ''}"


def _pictures(
    drive: Drive,
    seen: Observation,
    quality: dict[int, float],
    summary: Summary,
    bundle: Bundle,
    folder: Path,
    bars: Progress,
) -> None:
    # matplotlib and the encoder are slow to import: only now, when nothing waits for this process any more.
    from trustseg_lab.demo.contact_sheet import write_contact_sheet
    from trustseg_lab.demo.overlay import write_overlay
    from trustseg_lab.demo.paint import ClassColor
    from trustseg_lab.demo.timeline_chart import write_timeline

    _say(bars, "drawing the images")
    moments = drive_moments(drive, seen, quality, summary)
    classes = [ClassColor(c.name, c.color) for c in bundle.card.classes]
    with _bar(bars, "drawing the images", len(moments)) as tick:
        write_timeline(folder / TIMELINE_FILE, moments, summary)
        write_contact_sheet(folder / SHEET_FILE, moments, summary, classes)
        write_overlay(folder / OVERLAY_FILE, moments, classes, drive.rate_hz, tick)


def _say(bars: Progress, text: str) -> None:
    """One line where no bar can be drawn: a log that is silent for minutes looks like a program that hangs."""
    if not bars.console.is_terminal:
        bars.console.print(text, soft_wrap=True)


@contextmanager
def _bar(bars: Progress, text: str, total: int | None) -> Iterator[Callable[[], object]]:
    task = bars.add_task(text, total=total)
    yield lambda: bars.advance(task)
    bars.remove_task(task)


@contextmanager
def _one_interrupt() -> Iterator[None]:
    """Ctrl-C and SIGTERM end this the same way, through every `finally`; a second one does not disturb the first."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
