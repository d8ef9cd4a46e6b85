# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A planner's place in the graph: hears verdicts, statuses and masks, asks its guard, and notes it all with the time.

Also where operators and attackers sit: it sets parameters, calls the reset service and publishes what nobody should.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParametersAtomically
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.bounds import SECOND, Bounds
from trustseg.errors import TrustSegError
from trustseg.reasons import Reason, State
from trustseg_lab.faults.trial_verdict import Moment
from trustseg_ros.common.qos import STATUS_TOPIC, VERDICT_TOPIC, latest_qos, output_qos, verdict_qos
from trustseg_ros.fault_hooks.events import BACKEND_EVENTS, BEGUN, INJECTOR_EVENTS, FaultEvent, event_qos, parse_event
from trustseg_ros.planner.guard import FailureGuard
from trustseg_ros.planner.matched_outputs import OutputMatch

# Verdicts that are kept: at 50 a second some minutes; a trial looks back some seconds.
KEPT = 20_000
SERVICE_LIMIT_S, ANSWER_LIMIT_S = 60.0, 2.0
VERDICTS, GUARD, CONSUMER, ANSWERS, ALONE = "verdicts", "guard", "consumer", "answers", "alone"


class PlannerProbe:
    """The node and its thread; every list is in the order of time and only ever appended to or cut at its start.

    Attributes:
        received: statuses of frames heard so far.
        late_ns: how much later than a tick the planner's place came round at worst; whoever measures sets it back.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("trustseg_witness", context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._news = threading.Condition()
        self.moments: dict[str, list[Moment]] = {VERDICTS: [], GUARD: [], CONSUMER: [], ANSWERS: [], ALONE: []}
        self.events: list[FaultEvent] = []
        self.verdict: FailureState | None = None
        self.status: SegmentationStatus | None = None
        self.status_at_ns = 0
        self.new_instance: Moment | None = None
        self.received = 0
        self.late_ns = 0
        self.guard = FailureGuard(simulation=True)  # the nodes under test have fault injection
        self.match = OutputMatch()
        self._clients: dict[str, Any] = {}
        self._hears_alone = False
        self._error: TrustSegError | None = None
        self._subscribe()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._spin, name="probe", daemon=True)
        # A planner's loop is its own: what else arrives must not delay it.
        self._planner = threading.Thread(target=self._plan, name="planner", daemon=True)

    def __enter__(self) -> PlannerProbe:
        self._thread.start()
        self._planner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._planner.join()
        self.context.try_shutdown()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            self._executor.spin()

    def _plan(self) -> None:
        asked_ns = time.monotonic_ns()
        while not self._ending.wait(self.bounds.tick_ns / SECOND):
            self._ask()
            now_ns = time.monotonic_ns()
            self.late_ns, asked_ns = max(self.late_ns, now_ns - asked_ns - self.bounds.tick_ns), now_ns

    def _subscribe(self) -> None:
        node = self.node
        node.create_subscription(FailureState, VERDICT_TOPIC, self._on_verdict, verdict_qos())
        node.create_subscription(SegmentationStatus, STATUS_TOPIC, self._on_status, latest_qos(1000))
        node.create_subscription(Image, "trustseg_injector/mask", self.match.on_mask, output_qos())
        node.create_subscription(Image, "trustseg/confidence", self.match.on_confidence, output_qos())
        for topic in (INJECTOR_EVENTS, BACKEND_EVENTS):
            node.create_subscription(String, topic, self._on_event, event_qos())

    # What is heard --------------------------------------------------------------------------------------------

    def _on_verdict(self, message: FailureState) -> None:
        moment = moment_of(message, time.monotonic_ns())
        with self._news:
            self.guard.on_message(message)
            before, self.verdict = self.verdict, message
            if before is None or before.source_instance_id != message.source_instance_id:
                self.new_instance = moment
            self._keep(VERDICTS, moment)

    def _on_status(self, message: SegmentationStatus) -> None:
        self.match.on_status(message)
        with self._news:
            self.received += message.outcome != SegmentationStatus.NO_FRAME
            self.status, self.status_at_ns = message, time.monotonic_ns()
            self._news.notify_all()

    def _on_event(self, message: String) -> None:
        event = parse_event(message)
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def _ask(self) -> None:
        """What a planner does once a tick: ask the guard, and look whether the outputs fit each other."""
        with self._news:
            now_ns, failed = time.monotonic_ns(), self.guard.failed()
            silent = failed and self.guard.why == "the monitor is silent"
            problem = self.match.problem
            reasons = ("MONITOR_SILENT",) if silent else tuple(self.guard.reasons.names())
            self._keep(GUARD, Moment(now_ns, "GUARD_FAILED" if failed else "OK", failed, reasons))
            wrong = ("MISMATCHED_OUTPUT",) if problem else ()
            self._keep(CONSUMER, Moment(now_ns, "CONSUMER_FAILED" if problem else "OK", bool(problem), wrong))

    def _keep(self, where: str, moment: Moment) -> None:
        kept = self.moments[where]
        kept.append(moment)
        if len(kept) > KEPT:
            del kept[: KEPT // 4]
        self._news.notify_all()

    def note(self, where: str, moment: Moment) -> None:
        """Note what was found out otherwise: the answer of a service."""
        with self._news:
            self._keep(where, moment)

    # Waiting --------------------------------------------------------------------------------------------------

    def fail(self, error: TrustSegError) -> None:
        """Let whoever waits hear that it is in vain."""
        with self._news:
            self._error = error
            self._news.notify_all()

    def check(self) -> None:
        """Raise what `fail` was told, if anything."""
        if self._error is not None:
            raise self._error

    def wait(self, condition: Callable[[], Any], limit_s: float) -> bool:
        """Whether `condition`, looked at whenever something is heard, came true in time.

        Raises:
            TrustSegError: what `fail` was told.
        """
        with self._news:
            came = self._news.wait_for(lambda: self._error is not None or bool(condition()), limit_s)
            if self._error is not None:
                raise self._error
            return came

    def event(self, fault: str, since: int, limit_s: float) -> FaultEvent:
        """The beginning of a fault among the events from number `since` on; TrustSegError when none comes."""

        def found() -> FaultEvent | None:
            return next((e for e in self.events[since:] if e.fault == fault and e.phase == BEGUN), None)

        self.wait(found, limit_s)
        event = found()
        if event is None:
            raise TrustSegError(f"fault {fault} did not begin within {limit_s:.0f} s")
        return event

    def known_instances(self) -> set[int]:
        """Instances of the node that the newest status and the newest verdict are of."""
        status, verdict = self.status, self.verdict
        known = {status.instance_id if status else 0, verdict.source_instance_id if verdict else 0}
        return known - {0}  # 0 stands for none: what a monitor says that was itself started a moment ago

    def verdict_on_another(self, known: set[int], limit_s: float) -> Moment | None:
        """The first verdict about an instance of the node that is not among `known`; None when none comes in time."""

        def came() -> bool:
            return self.verdict is not None and self.verdict.source_instance_id not in {0, *known}

        return self.new_instance if self.wait(came, limit_s) else None

    def since(self, where: str, at_ns: int) -> list[Moment]:
        """Moments from the newest one before `at_ns` on."""
        with self._news:
            kept = self.moments[where]
            start = next((i for i in range(len(kept) - 1, -1, -1) if kept[i].at_ns < at_ns), 0)
            return kept[start:]

    def after(self, where: str, at_ns: int) -> list[Moment]:
        """Moments from `at_ns` on."""
        return [moment for moment in self.since(where, at_ns) if moment.at_ns >= at_ns]

    @property
    def state(self) -> str:
        """Name of the newest verdict's state; empty before the first, or when it is older than it may be."""
        kept = self.moments[VERDICTS]
        fresh = bool(kept) and time.monotonic_ns() - kept[-1].at_ns <= self.bounds.verdict_valid_ns
        return kept[-1].state if fresh else ""

    # Acting ---------------------------------------------------------------------------------------------------

    def call(self, kind: Any, service: str, request: Any) -> Any:
        """Call a service, again when it does not answer; TrustSegError when that goes on.

        A request may have gone to a process that had just ended. Whatever is called here may be called twice.
        """
        with self._news:
            client = self._clients.get(service) or self.node.create_client(kind, service)
            self._clients[service] = client
        end = time.monotonic() + SERVICE_LIMIT_S
        while time.monotonic() < end:
            if not client.wait_for_service(ANSWER_LIMIT_S):
                continue
            done = threading.Event()
            future = client.call_async(request)
            future.add_done_callback(lambda _, done=done: done.set())
            if done.wait(ANSWER_LIMIT_S):
                return future.result()
            client.remove_pending_request(future)
        raise TrustSegError(f"the service {service} did not answer within {SERVICE_LIMIT_S:.0f} s")

    def set_parameters(self, node: str, **values: Any) -> Any:
        """Set parameters of a node at once; its SetParametersResult."""
        request = SetParametersAtomically.Request()
        request.parameters = [Parameter(name=name, value=_value(value)) for name, value in values.items()]
        return self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", request).result

    def get_parameter(self, node: str, name: str) -> Any:
        """A text parameter of a node."""
        return self.call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=[name])).values[0]

    def reset(self) -> str:
        """Reset the monitor as an operator would; what it answers."""
        return str(self.call(Trigger, "trustseg_monitor/reset", Trigger.Request()).message)

    def hear_monitor_alone(self) -> list[Moment]:
        """Listen to one more monitor, in the namespace ALONE; what it says from now on, which fills."""

        def on_verdict(message: FailureState) -> None:
            self.note(ALONE, moment_of(message, time.monotonic_ns()))

        heard = self.moments[ALONE] = []
        if not self._hears_alone:
            self.node.create_subscription(FailureState, f"{ALONE}/{VERDICT_TOPIC}", on_verdict, latest_qos())
            self._hears_alone = True
        return heard


def moment_of(message: FailureState, at_ns: int) -> Moment:
    """What a verdict says, at the time when it was heard."""
    return Moment(at_ns, State(message.state).name, bool(message.failure), tuple(Reason(message.reasons).names()))


def _value(value: Any) -> ParameterValue:
    if isinstance(value, bool):
        return ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=value)
    if isinstance(value, int):
        return ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=value)
    if isinstance(value, float):
        return ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
    return ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value)
