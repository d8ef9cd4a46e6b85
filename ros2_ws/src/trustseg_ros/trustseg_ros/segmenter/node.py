# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The segmentation node `trustseg`: frames in, masks with their confidence out, and evidence about every frame.

It reports evidence and decides nothing: the failure monitor is another process. A configure or self-test that fails
leaves the node up and saying why, ten times a second.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import ExitStack
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import SegmentationStatus

from trustseg.backends import Backend, spare_order
from trustseg.bundle.light_bundle import check_light_bundle
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.bundle.signature import signature_policy
from trustseg.camera.model import CameraModel
from trustseg.errors import BundleError, SelfTestError, TrustSegError
from trustseg.failsafe.messages import EngineIdentity
from trustseg.host.long_lived import keep_for_good
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Reason, Severity
from trustseg.stream import Stream
from trustseg_ros.common.image_transport import compressed_topic
from trustseg_ros.common.node_main import spin_node, steady_timer
from trustseg_ros.common.parameters import MODES, ParameterError, SegmenterConfig, idle_changes, load, watch
from trustseg_ros.common.qos import CAMERA_INFO_TOPIC, IMAGE_TOPIC, status_qos
from trustseg_ros.common.qos_overrides import QosOverrides
from trustseg_ros.common.transitions import kept, refuse_invalid
from trustseg_ros.segmenter.backend.failover import BackendFailover, Loading
from trustseg_ros.segmenter.backend.maintenance import BackendMaintenance
from trustseg_ros.segmenter.company import Company
from trustseg_ros.segmenter.diagnostics import SegmenterDiagnostics
from trustseg_ros.segmenter.frame_worker import FrameWorker, WorkerConfig
from trustseg_ros.segmenter.input.arrivals import Arrivals
from trustseg_ros.segmenter.input.camera_info import CameraInfoCheck
from trustseg_ros.segmenter.input.camera_input import CameraInput
from trustseg_ros.segmenter.loaded import Loaded
from trustseg_ros.segmenter.node_fault import NodeFault
from trustseg_ros.segmenter.outputs import OVERRIDABLE, Outputs
from trustseg_ros.segmenter.pipeline_settings import pipeline_settings
from trustseg_ros.segmenter.status_publisher import StatusPublisher
from trustseg_ros.segmenter.supervisor import LOADING_NS, Supervisor

NODE_NAME = "trustseg"
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Segmenter(LifecycleNode):
    """Lifecycle: configure loads and verifies the bundle; activate tests itself on the golden image and subscribes.

    Args:
        company: the other nodes of its process; None: it is alone.
    """

    def __init__(self, company: Company | None = None) -> None:
        self._company = company or Company()
        super().__init__(NODE_NAME, namespace=self._company.namespace)
        compressed = compressed_topic(self.resolve_topic_name(IMAGE_TOPIC))
        self.overrides = QosOverrides(self, (IMAGE_TOPIC, compressed, CAMERA_INFO_TOPIC), OVERRIDABLE)
        self.config = load(self, SegmenterConfig, self.overrides.names | self._company.parameters)
        self.mode = MODES[self.config.mode]
        self.bounds = self.config.bounds
        # Which bundle is loaded is settled from the first step of configure on, until cleanup or until it failed.
        self._engine_settled, self._config_lock = False, threading.Lock()
        watch(self, self.config, self._on_config)
        refuse_invalid(self)
        # Not a lifecycle publisher: that one is mute while inactive, which is when there is most to say.
        self._status_out = self.create_publisher(SegmentationStatus, "~/status", status_qos(self.bounds))
        self.book = StatusPublisher(
            publish=self._publish_status,
            now=lambda: self.get_clock().now().to_msg(),
            instance_id=secrets.randbits(63) | 1,
            mode=self.mode,
            bounds=self.bounds,
            fault_injection=self.config.fault_injection,
        )
        self._loaded: Loaded | None = None
        self.raised: tuple[str, Exception] = ("transition", RuntimeError("a transition raised"))
        self._worker: FrameWorker | None = None
        self.supervisor = Supervisor(self.bounds, self._vouch, of_process=self._company.watches)
        self._abandoned: tuple[Loading, ...] = ()
        self._engine_lock = threading.Lock()
        self.arrivals = Arrivals(self.bounds)
        self._faults: Any = None
        if self.config.fault_injection:
            from trustseg_ros.fault_hooks.node_faults import NodeFaults  # no code of it in a node that drives

            self._faults = NodeFaults(self, self.bounds)
        # Images wait for nothing. What takes long (loading, the self-test) has a thread, so that the node still answers
        # and says how it is; lifecycle and parameter services are the main thread's.
        self._stream, engine, background = (MutuallyExclusiveCallbackGroup() for _ in range(3))
        self.threads = {"stream": self._stream, "engine": engine, "background": background}
        self.input = CameraInput(self, self._stream)
        self.create_service(Trigger, "~/self_test", self._on_self_test, callback_group=engine)
        self.fault = NodeFault(self, self.book, self.supervisor, background)
        self.diagnostics = SegmenterDiagnostics(self, self.config.diagnostics_period_s, background)
        self.get_logger().info(f"mode {self.config.mode}; bounds: {self.bounds.describe()}")
        self.get_logger().info(signature_policy())
        self.supervisor.start()
        if self.config.autostart:
            # Only once the executor spins: services answer while the bundle loads.
            self._autostart = steady_timer(self, 0.0, self._start_by_itself, engine)

    # Lifecycle ------------------------------------------------------------------------------------------------

    @kept
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the bundle (every byte hash-checked) and a backend that passes the golden test."""
        with self._config_lock:
            self._engine_settled, config = True, self.config
        try:
            with self.supervisor.watch("loading the bundle", LOADING_NS), ExitStack() as unless_taken:
                bundle = load_bundle(config.bundle)
                light = load_bundle(config.light_bundle) if config.light_bundle else None
                if light is not None:
                    check_light_bundle(bundle, light)
                settings = pipeline_settings(config)
                networks = [self._network(bundle, settings, None, unless_taken)]
                pipeline = networks[0].pipeline
                if light is not None:
                    networks.append(self._network(light, settings, pipeline, unless_taken))
                loaded = Loaded(tuple(networks), Outputs(self, bundle, self.overrides, pipeline, light))
                self._loaded = loaded
                unless_taken.pop_all()
        except Exception as error:
            self._engine_settled = False
            return self._refuse("configure", error)
        self._identify(loaded, pipeline)
        self.fault.clear()
        loaded.describe(self.get_logger())
        return SUCCESS

    def _network(
        self, bundle: Bundle, settings: PipelineConfig, heavy: Pipeline | None, unless_taken: ExitStack
    ) -> BackendFailover:
        """A bundle on a backend that is admitted; `heavy`: that of the first bundle, where this is the light one.

        Faults are injected into the first one alone: the light one stands in for it.
        """
        wrapped = self._wrapped if heavy is None else lambda backend, _: backend
        name = self.config.backend
        backend = self._selected(name, bundle)
        unless_taken.callback(backend.close)  # others of this process may share it
        spares, backend = spare_order(name, backend.name), wrapped(backend, bundle)
        pipeline = Pipeline(bundle, backend, config=settings, beside=heavy)
        return BackendFailover(
            pipeline, spares, lambda name: wrapped(self._admit(name, bundle), bundle), self.get_logger()
        )

    def _admit(self, name: str, bundle: Bundle) -> Backend:
        """A backend that takes over, verified as the first one was: hash, golden image, time."""
        with self.supervisor.watch(f"loading the backend {name}", LOADING_NS):
            return self._selected(name, bundle)

    def _selected(self, name: str, bundle: Bundle) -> Backend:
        config = self.config
        return self._company.select(name, bundle, config.precision, config.threads, config.engine_budget_ms)

    def _identify(self, loaded: Loaded, pipeline: Pipeline) -> None:
        """Let the statuses say which engine serves, and the publishers read its results."""
        self.book.engine = loaded.identity(pipeline)
        loaded.outputs.read_with(pipeline, pipeline.bundle)

    @kept
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Run the golden image once more, then take frames."""
        # Until there is a worker: a self-test that is asked for runs before this or is the worker's, never beside it.
        with self._engine_lock:
            return self._activate(state)

    def _activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        loaded = self._loaded
        try:
            if loaded is None:
                raise BundleError("no bundle is loaded", fix="configure the node first")
            with self.supervisor.watch("the self-test at activation", LOADING_NS):
                loaded.settle()
                self._identify(loaded, loaded.pipeline)
                golden, tests_ns = loaded.prove()
        except Exception as error:
            return self._refuse("activate", error)
        self.fault.clear()
        keep_for_good()  # the runtime of the engine with its libraries, which configure has loaded
        result = super().on_activate(state)
        self._begin_stream(loaded, tests_ns)
        loaded.outputs.announce_labels()
        self.get_logger().info(
            f"active: golden image in {' and '.join(f'{each.engine_ms:.1f} ms' for each in golden)}, waiting for "
            f"{self.resolve_topic_name(IMAGE_TOPIC)}"
        )
        return result

    @kept
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take no more frames; the monitor hears of it at once."""
        self._end_stream()
        self.book.about_node(Reason.NODE_INACTIVE, Severity.HARD)
        return super().on_deactivate(state)

    @kept
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the engine."""
        self._release()
        return SUCCESS

    @kept
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As deactivate and cleanup, from any state."""
        self._end_stream()
        self._release()
        self.book.about_node(Reason.NODE_INACTIVE, Severity.HARD)
        return SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition raised: back to unconfigured, with the reason on record."""
        self._end_stream()
        self._release()
        self._refuse(self.raised[0], self.raised[1].with_traceback(None))
        return SUCCESS

    def close(self) -> None:
        """End threads and release the engine; for the end of the process."""
        self._end_stream()
        self._release()
        self.supervisor.stop()

    @property
    def busy(self) -> bool:
        """Whether a thread is still deep in a library that loads an engine."""
        return not all(each.is_over for each in self._abandoned)

    def _start_by_itself(self) -> None:
        self._autostart.cancel()
        try:
            if self.trigger_configure() is SUCCESS:
                self.trigger_activate()
        except Exception as error:
            if self.context.ok():  # else the signal to end came in between, and nothing can be published any more
                self._refuse("autostart", error)

    def _release(self) -> None:
        with self.supervisor.watch("releasing the engine", LOADING_NS), self._engine_lock:
            loaded, self._loaded = self._loaded, None
            if loaded is not None:
                self._abandoned = loaded.loading
                loaded.close()
        self.book.engine = EngineIdentity()
        self._engine_settled = False

    # The stream -----------------------------------------------------------------------------------------------

    def _begin_stream(self, loaded: Loaded, tests_ns: list[int]) -> None:
        config, bounds = self.config, self.bounds
        lens = self._prepare_lens if config.undistort else None
        stream = Stream.of(
            bounds, self.mode, max_pixels=config.max_pixels, compressed=config.image_transport == "compressed",
            allow_resolution_change=config.allow_resolution_change,
        )  # fmt: skip
        loaded.reset()
        now_ns = time.monotonic_ns()
        network, light = loaded.in_use(bounds, config.self_test_period_s, now_ns, tests_ns, self.get_logger())
        self.arrivals = Arrivals(bounds)
        self._worker = FrameWorker(
            WorkerConfig(bounds, self.mode, config.output_size == "camera", config.overlay_opacity),
            stream=stream,
            care=BackendMaintenance(
                network,
                self._engine_lock,
                self.supervisor,
                differs=self._on_golden_differs,
                changed=lambda pipeline: self._identify(loaded, pipeline),
                logger=self.get_logger(),
                light=light,
            ),
            info=CameraInfoCheck(config.require_camera_info, bounds, now_ns, lens, config.max_pixels),
            arrivals=self.arrivals,
            engine_lock=self._engine_lock,
            book=self.book,
            outputs=loaded.outputs,
            supervisor=self.supervisor,
            now_ns=lambda: self.get_clock().now().nanoseconds,
            logger=self.get_logger(),
            running=self.context.ok,
        )
        self._worker.start()
        self.supervisor.vouches = True
        self.input.open(self.arrivals.watched(self._worker.on_image), self._worker.on_camera_info)

    def _prepare_lens(self, camera: CameraModel) -> None:
        with self.supervisor.watch("the maps of a camera_info", LOADING_NS):
            if self._loaded is not None:
                self._loaded.prepare(camera)

    def _end_stream(self) -> None:
        self.input.close()
        self.supervisor.vouches = False
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    @property
    def worker(self) -> FrameWorker | None:
        """The worker of the stream, None while inactive."""
        return self._worker

    def _vouch(self) -> None:
        self._while_running(self._status_out.assert_liveliness)

    def _publish_status(self, status: SegmentationStatus) -> None:
        self._while_running(self._status_out.publish, status)

    def _while_running(self, send: Callable[..., None], *arguments: Any) -> None:
        """Send something, of which a process that a signal is ending is no longer able: that is no failure."""
        try:
            send(*arguments)
        except Exception:
            if self.context.ok():
                raise

    def _wrapped(self, backend: Backend, bundle: Bundle) -> Backend:
        """The backend itself, or behind the faults that were asked for at start."""
        return backend if self._faults is None else self._faults.wrapped(backend, bundle, self.config.threads)

    def _on_config(self, config: SegmenterConfig) -> None:
        with self._config_lock:
            fixed = ", ".join(idle_changes(self.config, config))
            if fixed and self._engine_settled:
                raise ParameterError(f"{fixed} cannot change while a bundle is loaded", fix="clean the node up first")
            if self._faults is not None:
                self._faults.ask(config.fault)
            elif config.fault:
                raise ParameterError("parameter fault", got=repr(config.fault), fix="start with fault_injection: true")
            self.config = config
        if self._worker is not None:
            self._worker.reconfigure(
                config.output_size == "camera", config.overlay_opacity, config.allow_resolution_change
            )

    # Refusals -------------------------------------------------------------------------------------------------

    def _refuse(self, what: str, error: Exception) -> TransitionCallbackReturn:
        if not self.context.ok():
            return FAILURE  # a signal came in between: the process is ending
        self.fault.note(what, error)
        return FAILURE

    def _on_self_test(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        started, why = time.monotonic(), ""
        try:
            with self.supervisor.watch("a self-test that was asked for", LOADING_NS):
                why = self._tested_now()
        except CancelledError:
            response.success, response.message = False, "the stream ended meanwhile; ask again"
            return response
        except TrustSegError as error:
            why = str(error)
        took_ms = (time.monotonic() - started) * 1e3
        response.success = not why
        response.message = why or f"the golden image is reproduced ({took_ms:.0f} ms)"
        return response

    def _tested_now(self) -> str:
        """Run the golden image at once; what differs, empty where nothing does."""
        worker, why = self._worker, ""
        if worker is None:
            with self._engine_lock:
                worker = self._worker  # of a stream that began while the lock was waited for
                if worker is None:
                    if self._loaded is None:
                        return "no bundle is loaded; configure the node first"
                    why = self._loaded.differs()
        if worker is not None:
            return worker.self_test().why  # which says so itself, as of any other test of a drive
        if why:
            self._on_golden_differs(why)
        return why

    def _on_golden_differs(self, why: str) -> None:
        self._refuse("self-test", SelfTestError("the golden image gives another result than it should", got=why))


def main(args: list[str] | None = None) -> int:
    """Entry point: 0 after a signal, 2 with one line for a parameter that cannot be used."""
    return spin_node(Segmenter, args)


if __name__ == "__main__":
    raise SystemExit(main())
