# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every fault that `trustseg faults` makes, as data, in the order of docs/faults.md."""

from __future__ import annotations

import re

from trustseg.bounds import SECOND, Bounds
from trustseg.errors import InputError
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg_lab.faults.false_alarms import CALM, Calm
from trustseg_lab.faults.fault import (
    BACKEND,
    BUS,
    CAMERA,
    COMPRESSED,
    OUTPUT,
    PLAIN,
    PROCESS,
    START,
    BoundRule,
    Fault,
    FaultVariant,
    frames,
    message,
    silence,
    window,
)
from trustseg_lab.faults.trial_verdict import SIMULATED, Expected

FAILED, DEGRADED, STALE, LATCHED, UNKNOWN, OK = "FAILED", "DEGRADED", "STALE", "LATCHED", "UNKNOWN", "OK"
GUARD, CONSUMER, REFUSED = "GUARD_FAILED", "CONSUMER_FAILED", "REFUSED"
SILENT = ("INPUT_STALE", "STATUS_STALE")
LEARNED = ("LOW_QUALITY", "LOW_CONFIDENCE", "STRANGE_SCENE", "UNKNOWN_OBJECT")
# Frames after which the checks know what is usual for this camera.
LEARNING = 45
BORNE = Expected((OK,), failure=False)


def _failed(*reasons: str) -> Expected:
    return Expected((FAILED,), reasons)


def _worse(*reasons: str) -> Expected:
    return Expected((DEGRADED, FAILED), reasons)


def _pictures(
    expected: Expected, *kinds: str, bound: BoundRule | None = None, setup: str = PLAIN, after: int = 0
) -> tuple[FaultVariant, ...]:
    return tuple(FaultVariant(kind, CAMERA, expected, bound, setup=setup, after_frames=after) for kind in kinds)


def _engine(expected: Expected, *kinds: str, brief: bool = False, real: bool = False) -> tuple[FaultVariant, ...]:
    how = "real" if real else SIMULATED
    return tuple(FaultVariant(kind, BACKEND, expected, how=how, brief=brief) for kind in kinds)


def _ends(kind: str, maker: str = PROCESS) -> FaultVariant:
    return FaultVariant(kind, maker, Expected((STALE,), SILENT))


def _latching_window(bounds: Bounds) -> int:
    return FailsafeConfig(bounds).backend_window_ns


def _self_test(bounds: Bounds) -> int:
    return 60_000_000_000 + bounds.detection_ns


def _back_soon(bounds: Bounds) -> int:
    return 3 * SECOND + 10 * bounds.camera_period_ns


IN_MEMORY = "an engine with other weights takes the place of the sound one: memory cannot be flipped on purpose"
WRAPPED = "the fault-injecting backend alters what the engine gave"

FAULTS: tuple[Fault, ...] = (
    Fault(1, "never any frame", message, (FaultVariant("no_camera", START, Expected((UNKNOWN,), ("NO_INPUT",))),)),
    Fault(2, "stream stops", silence, _pictures(Expected((STALE,), ("INPUT_STALE",)), "stop")),
    Fault(
        3, "low rate", window,
        _pictures(Expected((DEGRADED, FAILED, STALE), ("LOW_RATE", "FRAME_DROP", "INPUT_STALE")), "low_rate"),
        why="every second frame is left out: frames are lost before most intervals are long, and where an answer is "
        "late besides there is silence; each is the flag in time",
    ),
    Fault(
        4, "frames dropped", window,
        _pictures(Expected((DEGRADED, FAILED, STALE), ("FRAME_DROP", "INPUT_STALE")), "drop_frames"),
        why="where the answer before a dropped frame is late there is silence first, which is the flag in time",
    ),
    Fault(5, "burst or backlog", frames(1), _pictures(_failed("BACKLOG"), "backlog")),
    Fault(6, "duplicate stamp", frames(1), _pictures(_failed("DUPLICATE"), "duplicate_stamp")),
    Fault(7, "stamp backwards", frames(1), _pictures(_failed("STAMP_BACKWARD"), "stamp_backward")),
    Fault(8, "stamp in the future", frames(1), _pictures(_failed("STAMP_FUTURE"), "stamp_future")),
    Fault(9, "stamp zero or old", frames(1), _pictures(_failed("STAMP_INVALID"), "stamp_zero", "stamp_old")),
    Fault(
        10, "clock jump", frames(1), (FaultVariant("clock_jump", BUS, _failed("CLOCK_JUMP"), brief=True),),
        "the segmenter reads the time from /clock, which jumps; the machine's own clock is left alone",
    ),
    Fault(11, "frozen", frames(3), _pictures(_failed("FROZEN"), "frozen")),
    Fault(
        12, "frozen with noise, partly frozen", frames(10),
        _pictures(_worse("FROZEN"), "frozen_noise", "frozen_part"),
    ),
    Fault(13, "black", frames(1), _pictures(_failed("DARK"), "black")),
    Fault(14, "overexposed", frames(1), _pictures(_failed("BRIGHT"), "overexposed")),
    Fault(15, "defocus, motion blur", frames(3), _pictures(_failed("BLUR"), "defocus", "motion_blur")),
    Fault(
        16, "condensation", frames(10), _pictures(_worse("OBSCURED", "BLUR"), "condensation", after=LEARNING),
        "over the whole lens it shows as BLUR; over a part of it most is not found (docs/input_health.md)",
    ),
    Fault(
        17, "occlusion of 30 % and more", frames(10),
        _pictures(_worse("OBSCURED", "FROZEN"), "occlusion", after=LEARNING),
        "a cover whose pixels stand exactly still, while the rest moves on, may be called FROZEN (in part) first",
    ),
    Fault(18, "rain, snow, glare, night", frames(3), _pictures(_worse(*LEARNED), "rain", "snow", "glare", "night")),
    Fault(
        19, "channel swap, Bayer as RGB, declared mismatch", frames(10),
        _pictures(_worse("COLOUR"), "channel_swap")
        + _pictures(_worse("COLOUR", "CORRUPT"), "bayer_as_grey", "bayer_phase")
        + _pictures(_failed("COLOUR"), "encoding_change", bound=frames(1)),
        "a filter that is read wrongly leaves a pattern of single pixels, which may show first: CORRUPT",
    ),
    Fault(
        20, "dead rows, banding, bit errors, tearing", frames(3),
        _pictures(_failed("CORRUPT"), "dead_rows", "banding", "bit_errors", "tearing"),
    ),
    Fault(
        21, "camera rotated or flipped", window,
        _pictures(_worse("OUTPUT_IMPLAUSIBLE", *LEARNED), "upside_down"),
        "best effort: what the learned score says of a street upside down counts too",
    ),
    Fault(22, "data shorter or longer", frames(1), _pictures(_failed("BAD_SIZE"), "data_short", "data_long")),
    Fault(
        23, "step too short; padded step", frames(1),
        _pictures(_failed("BAD_STEP"), "step_short") + _pictures(BORNE, "step_padded"),
        "a padded step is no fault: it must be accepted",
    ),
    Fault(
        24, "unknown encoding, big-endian 16-bit", frames(1),
        _pictures(_failed("BAD_ENCODING"), "encoding_unknown", "big_endian_16"),
    ),
    Fault(25, "width or height 0 or huge", frames(1), _pictures(_failed("BAD_DIMENSIONS"), "size_zero", "size_huge")),
    Fault(26, "resolution changes", frames(1), _pictures(_failed("RES_CHANGED"), "resolution_change")),
    Fault(
        27, "broken JPEG or PNG, decompression bomb", frames(1),
        _pictures(_failed("BAD_IMAGE"), "jpeg_broken", "png_broken", setup=COMPRESSED)
        + _pictures(_failed("BAD_IMAGE", "BAD_DIMENSIONS"), "image_bomb", setup=COMPRESSED),
    ),
    Fault(
        28, "camera_info missing or not matching", window,
        _pictures(_worse("CAMERA_INFO"), "camera_info_missing", "camera_info_other"),
    ),
    Fault(
        29, "second publisher, frame_id changes", window,
        (
            FaultVariant("second_publisher", BUS, _failed("MULTI_SOURCE")),
            *_pictures(_failed("MULTI_SOURCE"), "frame_id_change"),
        ),
    ),
    Fault(30, "NaN in the output", frames(1), _engine(_failed("OUTPUT_INVALID"), "nan_output"), WRAPPED),
    Fault(
        31, "one-class mask, id out of range", frames(3),
        _engine(_worse("OUTPUT_IMPLAUSIBLE", "OUTPUT_INVALID"), "one_class", "id_out_of_range"), WRAPPED,
    ),
    Fault(
        32, "confidence collapsed or saturated", frames(3),
        _engine(_worse("LOW_CONFIDENCE"), "confidence_collapsed", "confidence_saturated"), WRAPPED,
    ),
    Fault(
        33, "mask, confidence, status of different frames", frames(1),
        (FaultVariant("mask_of_another_frame", OUTPUT, Expected((CONSUMER,), ("MISMATCHED_OUTPUT",))),),
    ),
    # At a start the flag is up anyway; when the reason is heard depends on how soon the monitor discovers the node.
    Fault(
        34, "engine missing", window,
        (FaultVariant("engine_missing", START, Expected((LATCHED,), ("MODEL_INTEGRITY",))),),
    ),
    Fault(
        35, "hash mismatch", window,
        (FaultVariant("engine_altered", START, Expected((LATCHED,), ("MODEL_INTEGRITY",))),),
        "a plan of another TensorRT version or GPU is refused by its manifest in the same way; none can be built here",
    ),
    Fault(
        36, "golden image differs", window,
        (FaultVariant("golden_differs", START, Expected((LATCHED,), ("SELF_TEST",))),),
    ),
    Fault(37, "backend raises", frames(1), _engine(_failed("BACKEND"), "backend_raises", brief=True, real=True)),
    Fault(38, "backend hangs", silence, _engine(Expected((STALE,), SILENT), "backend_hangs", brief=True, real=True)),
    Fault(
        39, "CUDA sticky error", silence,
        _engine(Expected((FAILED, STALE), ("BACKEND", *SILENT)), "cuda_sticky", brief=True),
        "no GPU here: the error that the TensorRT backend makes of it is raised; the exit and the respawn are real",
    ),
    Fault(
        40, "out of memory", frames(1),
        _engine(_failed("BACKEND", "INTERNAL"), "out_of_memory", brief=True, real=True),
    ),
    Fault(41, "node killed (SIGKILL, SIGSEGV)", silence, (_ends("segmenter_killed"), _ends("segmenter_segfault"))),
    Fault(
        42, "thermal throttling", lambda bounds: bounds.late_frames_ns(3),
        # An answer that is late enough is silence before it is late: the age limit is then what acts first.
        _engine(Expected((DEGRADED, FAILED, STALE), ("LATENCY",)), "slow_engine"),
        "the fault-injecting backend waits: a processor cannot be made hot on purpose",
    ),
    Fault(
        43, "silent bit flip in weights", _self_test,
        _engine(Expected((LATCHED,), ("SELF_TEST",)), "weights_flipped"), IN_MEMORY,
    ),
    Fault(44, "exception in a callback", frames(1), _engine(_failed("INTERNAL"), "exception", brief=True, real=True)),
    Fault(45, "interpreter held for long (GIL, GC)", silence,
          _engine(Expected((STALE,), SILENT), "gil_pause", brief=True, real=True)),
    Fault(
        46, "node stopped (SIGSTOP), OOM kill", silence, (_ends("segmenter_stopped"), _ends("segmenter_oom")),
        "the OOM killer's signal is sent by hand: no cgroup of this machine may be filled",
    ),
    Fault(
        47, "the monitor dies", lambda bounds: bounds.guard_ns,
        tuple(
            FaultVariant(kind, PROCESS, Expected((GUARD,), ("MONITOR_SILENT",)))
            for kind in ("monitor_killed", "monitor_stopped")
        ),
    ),
    Fault(48, "incompatible QoS", window,
          (FaultVariant("incompatible_qos", BUS, Expected((FAILED, UNKNOWN), ("INCOMPATIBLE_QOS", "NO_INPUT"))),)),
    Fault(49, "lost link, stale shared memory", silence,
          (_ends("link_killed"),),
          "the process between camera and node is killed and leaves its shared memory behind"),
    Fault(50, "bad parameter", window, (FaultVariant("bad_parameter", BUS, Expected((REFUSED,)), brief=True),)),
    Fault(
        51, "disk full", window, (FaultVariant("disk_full", PROCESS, BORNE),),
        "every write of the running processes to a file fails (RLIMIT_FSIZE)",
    ),
    Fault(52, "restart during a drive", lambda bounds: 0,
          (FaultVariant("restart", PROCESS, Expected((UNKNOWN, LATCHED), ("NEW_INSTANCE", "RESTARTS")), brief=True),)),
    Fault(53, "flapping of the backend", _latching_window,
          _engine(Expected((LATCHED,), ("BACKEND",)), "backend_flaps", real=True)),
    Fault(
        54, "replayed or altered status", message,
        (
            FaultVariant("status_altered", BUS, _failed("STATUS_CORRUPT"), brief=True),
            FaultVariant("status_replayed", BUS, _failed("STATUS_SEQUENCE"), brief=True),
        ),
    ),
    # What the table lacks. Each was once missed, or made the flag stay up.
    Fault(
        55, "constant patch or clock, then frozen", frames(10),
        _pictures(
            _failed("FROZEN"), "frozen_behind_box", "frozen_behind_clock", "frozen_behind_mask", bound=frames(3)
        )
        + _pictures(
            _failed("FROZEN"), "frozen_noise_behind_box", "frozen_noise_behind_clock", "frozen_part_behind_box"
        ),
        "the camera shows the patch or the clock for 50 sound frames before it freezes behind it",
    ),
    Fault(
        56, "ring of buffers", frames(4),
        _pictures(_failed("FROZEN"), "ring", "ring_noise", "ring_jpeg", "ring_reversed"),
        "2, 3, 8 and 4 buffers; it begins with the first image that comes back",
    ),
    Fault(57, "soft fault in every third frame", window,
          (FaultVariant("every_third_blurred", CAMERA, _worse("BLUR"), hold_ns=SECOND),)),
    Fault(58, "starved monitor", lambda bounds: 0,
          (FaultVariant("monitor_starved", PROCESS, Expected((STALE, UNKNOWN, FAILED)), hold_ns=SECOND),),
          "counted from the first verdict after the monitor got time again: no old status may ever lead to OK"),
    Fault(59, "monitor with another timing than the node's", window,
          (FaultVariant("monitor_mismatched", PROCESS, _failed("TIMING_MISMATCH"), hold_ns=3 * SECOND),)),
    Fault(60, "camera driver killed and started again", silence,
          (FaultVariant("camera_respawned", PROCESS, Expected((STALE,), SILENT), back_within=_back_soon),),
          "and OK again no later than three seconds and ten frames after the new driver's first frame, and for five"),
)  # fmt: skip


def fault_of(number: int) -> Fault:
    """The fault with this number; InputError when there is none."""
    for fault in FAULTS:
        if fault.number == number:
            return fault
    raise InputError("no such fault", expected=f"1 to {FAULTS[-1].number}", got=str(number))


def way_of(kind: str) -> tuple[Fault, FaultVariant]:
    """The fault and way of a kind; InputError when there is none."""
    for fault in FAULTS:
        for way in fault.ways:
            if way.kind == kind:
                return fault, way
    raise InputError("no such kind of fault", expected="one that `trustseg faults list` names", got=repr(kind))


def parse_numbers(text: str) -> tuple[tuple[Fault, ...], tuple[Calm, ...]]:
    """`2,41` or `5-9` as faults and false-alarm rows, in the table's order; InputError for anything else."""
    chosen: set[int] = set()
    for part in filter(None, (each.strip() for each in text.split(","))):
        found = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if found is None:
            raise InputError("--only is wrong", expected="numbers such as 2,41 or 5-9", got=repr(text))
        chosen.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    if not chosen:
        raise InputError("--only is empty", expected="numbers such as 2,41 or 5-9")
    calm = tuple(each for each in CALM if each.number in chosen)
    return tuple(fault_of(number) for number in sorted(chosen - {each.number for each in calm})), calm
