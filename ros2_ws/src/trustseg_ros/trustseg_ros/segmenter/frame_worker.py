# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Between the image callback and the statuses: the newest frame is worked on, every frame is answered once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from trustseg.backends import GoldenResult
from trustseg.bounds import MS, Bounds
from trustseg.errors import BackendError, EngineLostError
from trustseg.reasons import Mode, Reason
from trustseg.stream import FrameEvidence, Received, Stream
from trustseg.types import Frame, PerceptionResult
from trustseg_ros.common.said_once import without_figures
from trustseg_ros.segmenter.backend.maintenance import BackendMaintenance
from trustseg_ros.segmenter.clock_pair import read_together
from trustseg_ros.segmenter.input.arrivals import Arrivals
from trustseg_ros.segmenter.input.camera_info import CameraInfoCheck
from trustseg_ros.segmenter.latest_slot import LatestSlot
from trustseg_ros.segmenter.outputs import Outputs
from trustseg_ros.segmenter.status_publisher import StatusPublisher
from trustseg_ros.segmenter.supervisor import Supervisor, Watch

LOG_PERIOD_S = 1.0


@dataclass(frozen=True)
class WorkerConfig:
    """Settings of one stream; the last two may change while it runs."""

    bounds: Bounds
    mode: Mode
    to_camera_size: bool
    overlay_opacity: float


@dataclass(frozen=True)
class LastFrame:
    """Figures of the newest processed frame, for diagnostics; times in milliseconds."""

    reasons: Reason = Reason.NONE
    failure_score: float = 1.0
    predicted_miou: float = 0.0
    mean_confidence: float = 0.0
    engine_ms: float = 0.0
    pipeline_ms: float = 0.0
    latency_ms: float = 0.0
    at_ns: int = 0


class FrameWorker:
    """One thread that infers; the callbacks only check, count and hand over.

    Args:
        config: settings.
        stream: makes evidence of messages.
        care: engine and judgement, used under `engine_lock`, and what is done for them between frames.
        info: the camera's CameraInfo.
        arrivals: the numbers of the images.
        book: writes the statuses.
        outputs: publishes masks and pictures.
        supervisor: told what is under way.
        now_ns: the clock that stamps are made with.
        logger: of the node.
        running: whether the node is not being ended by a signal.
    """

    def __init__(
        self,
        config: WorkerConfig,
        *,
        stream: Stream,
        care: BackendMaintenance,
        info: CameraInfoCheck,
        arrivals: Arrivals,
        engine_lock: threading.Lock,
        book: StatusPublisher,
        outputs: Outputs,
        supervisor: Supervisor,
        now_ns: Callable[[], int],
        logger: Any,
        running: Callable[[], bool] = lambda: True,
    ) -> None:
        self.config = config
        self._stream, self._engine_lock = stream, engine_lock
        self.care, self._info, self._arrivals = care, info, arrivals
        self._book, self._outputs, self._supervisor = book, outputs, supervisor
        self._now_ns, self._logger, self._running = now_ns, logger, running
        self._newest: LatestSlot[Received] = LatestSlot()
        self._thread = threading.Thread(target=self._run, name="frame worker", daemon=True)
        self._several_sources = False
        self._logged: Reason | None = None
        self._logged_cause = ""
        self._logged_at = 0.0
        self.last = LastFrame()

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the frame under way; one that waits is answered without a mask."""
        left = self._newest.close()
        if left is not None:
            self._reject(left, Reason.NODE_INACTIVE, "the node is being deactivated")
        self._thread.join()
        self.care.stop()

    def self_test(self) -> GoldenResult:
        """Let the worker run the golden image between two frames, and wait for what comes of it.

        Raises:
            BackendError: the engine failed.
            CancelledError: the stream ended meanwhile.
        """
        asked = self.care.ask()
        self._newest.wake()
        return asked.result()

    def reconfigure(self, to_camera_size: bool, overlay_opacity: float, allow_resolution_change: bool) -> None:
        """Take over what may change while running."""
        self.config = replace(self.config, to_camera_size=to_camera_size, overlay_opacity=overlay_opacity)
        self._stream.allow_resolution_change(allow_resolution_change)

    def several_sources(self, several: bool) -> None:
        """Note whether more than one publisher feeds the image topic, where the images have no numbers to tell by."""
        self._several_sources = several

    # Callbacks ------------------------------------------------------------------------------------------------

    def on_image(self, message: Any) -> None:
        """Check one message and offer it to the worker; the frame that it overtakes is answered as skipped."""
        with self._supervisor.watch("the image callback"):
            self._on_image(message)

    def _on_image(self, message: Any) -> None:
        at_ns = time.monotonic_ns()
        self._book.take_in()
        received = self._stream.receive(message, at_ns, lambda: read_together(self._now_ns))
        if received.refusal is not None:
            return self._reject(received, received.refusal.reasons, received.refusal.why)
        overtaken = self._newest.put(received)
        if overtaken is received:
            self._reject(received, Reason.NODE_INACTIVE, "the node is being deactivated")
        elif overtaken is not None:
            self._book.skipped(overtaken)

    def on_camera_info(self, message: Any) -> None:
        """Keep the newest camera info: for the scaled one, and where frames need one."""
        self._info.note(message, time.monotonic_ns())

    # The thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                if self._newest.wait(self.care.wait_s()):
                    received = self._newest.take()
                    if received is None:
                        return
                    with self._supervisor.watch("the worker") as watch:
                        self._work(received, watch)
                if self.care.look():
                    with self._supervisor.watch("the worker"):
                        self._leave_one_out()
            except Exception as error:
                # The status of the frame is out; what failed is a picture or a debug figure.
                if self._running():
                    text = f"after a frame: {type(error).__name__}: {error}"
                    self._logger.error(text, throttle_duration_sec=LOG_PERIOD_S)

    def _leave_one_out(self) -> None:
        """The engine was tested meanwhile: answer the frame in whose place that was, if it would come too late."""
        now_ns = time.monotonic_ns()
        left_out = self._newest.give_up(lambda each: self.care.plan.takes_the_place_of(each.at_ns, now_ns))
        if left_out is not None:
            self._book.skipped(left_out)

    def _work(self, received: Received, watch: Watch) -> None:
        """Answer one frame; `watch` says what it waits for."""
        taken_ns = time.monotonic_ns()
        header = received.message.header
        if not self.care.is_ready():
            return self._reject(received, Reason.BACKEND_FALLBACK, "another engine is being loaded")
        watch.what = "the image decoder"
        evidence = self._stream.process(received, partial(self._segment, watch), taken_ns - received.at_ns)
        if evidence.frame is None or evidence.result is None:
            self._reject(received, evidence.reasons, evidence.why)
            return self._after_failure(evidence)
        frame, result = evidence.frame, evidence.result
        evidence = evidence.with_reasons(self.care.reasons | self._info.reasons(frame, taken_ns) | self.stream_reasons)
        try:
            # Only what is published; a frame that is not good is shown as it is, and its status waits for no filter.
            shown = self.care.engines.pipeline.filtered(frame, result, evidence.reasons)
            watch.what = "the middleware, asked to publish,"
            crc32 = self._outputs.publish(header, frame, shown, self.config.to_camera_size)
        except Exception as error:
            return self._reject(received, Reason.INTERNAL, f"{type(error).__name__}: {error}")
        evidence = self._stream.timed(evidence, time.monotonic_ns() - received.at_ns)
        self._book.processed(received, result, evidence.reasons, evidence.severity, crc32)
        answered_ns = time.monotonic_ns()
        self.care.note_frame(received.at_ns, answered_ns - taken_ns, answered_ns, self._book.counts.skipped)
        verdict = result.verdict
        self._log(evidence.reasons, f"score {verdict.failure_score:.2f}, predicted mIoU {verdict.predicted_miou:.2f}")
        self._afterwards(received, frame, result, shown, evidence.reasons)

    def _segment(self, watch: Watch, frame: Frame) -> PerceptionResult:
        camera = self._info.model
        watch.what = "the backend"
        with self._engine_lock:
            return self.care.engines.pipeline.process(frame, camera)

    def _after_failure(self, evidence: FrameEvidence) -> None:
        """What an engine's failure asks for: this process's end, or another engine."""
        if isinstance(evidence.error, EngineLostError):
            self._supervisor.lost(evidence.why)
        elif isinstance(evidence.error, BackendError):
            self.care.broke(evidence.why)

    @property
    def stream_reasons(self) -> Reason:
        """What is wrong with the topic and not with one frame; frames that two cameras' clocks shuffle say it too."""
        return Reason.MULTI_SOURCE if self._several_sources or self._arrivals.interleaved() else Reason.NONE

    def _afterwards(
        self, received: Received, frame: Frame, result: PerceptionResult, shown: PerceptionResult, reasons: Reason
    ) -> None:
        now_ns, before = time.monotonic_ns(), self.last
        latency_ms = (now_ns - received.at_ns) / MS
        self.last = LastFrame(
            reasons,
            result.verdict.failure_score,
            result.verdict.predicted_miou,
            result.verdict.mean_confidence,
            result.engine_ms,
            result.pipeline_ms,
            latency_ms,
            now_ns,
        )
        self._outputs.publish_times(
            processing_time_ms=result.pipeline_ms,
            cyclic_time_ms=(now_ns - before.at_ns) / MS if before.at_ns else float("nan"),
            pipeline_latency_ms=received.age_ms + latency_ms,
        )
        header = received.message.header
        config = self.config
        self._outputs.publish_unknown(header, frame, result, config.to_camera_size)
        self._outputs.publish_segments(header, frame, result, config.to_camera_size)
        self._outputs.publish_images(
            header, frame, shown, config.overlay_opacity, self._info.newest, config.to_camera_size
        )

    def _reject(self, received: Received, reason: Reason, why: str) -> None:
        reason |= self.stream_reasons
        self.care.engines.pipeline.forget_past()
        self._book.rejected(received, reason)
        self._log(reason, why)

    def _log(self, reasons: Reason, detail: str) -> None:
        """Say what has changed, once; while it keeps changing, once a second.

        Another cause of the same reasons is a change; another figure in its words is none.
        """
        now, cause = time.monotonic(), without_figures(detail) if reasons else ""
        same = (reasons, cause) == (self._logged, self._logged_cause)
        if same or now - self._logged_at < LOG_PERIOD_S or not self._running():
            return
        if reasons:
            self._logger.warning(f"frames are not good: {', '.join(reasons.names())} ({detail})")
        elif self._logged:
            self._logger.info(f"frames are good again ({detail})")
        self._logged, self._logged_cause, self._logged_at = reasons, cause, now
