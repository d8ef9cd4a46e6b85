# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What Prometheus is told, made of the newest messages at every scrape; names end in their unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from trustseg.host.sensors import Sensors
from trustseg.reasons import Reason, State

COUNTERS = {"received": "Images received.", "processed": "Frames segmented.", "skipped": "Frames left out.",
            "rejected": "Images refused."}  # fmt: skip
SCORES = {
    "failure_score": ("trustseg_failure_score", "P(quality < 0.5) of the newest frame."),
    "predicted_miou": ("trustseg_predicted_quality", "Predicted quality of the newest frame, 0 to 1."),
    "mean_confidence": ("trustseg_mean_confidence", "Mean calibrated confidence of the newest frame, 0 to 1."),
}


@dataclass
class Newest:
    """The newest of everything; None where nothing has come.

    Attributes:
        status, verdict: messages. failed: whether the flag is to be obeyed, by the guard. stages: see `StageTimes`.
        sensors: of the machine.
    """

    status: Any = None
    verdict: Any = None
    failed: bool = True
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    sensors: Sensors = field(default_factory=Sensors)


class TrustSegCollector(Collector):
    """Asks `newest` at every scrape: nothing is stored, so nothing is shown that is older than the messages.

    Args:
        newest: gives the current values. camera: label of every metric, the namespace of the nodes.
    """

    def __init__(self, newest: Callable[[], Newest], camera: str) -> None:
        self._newest, self._camera = newest, camera

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """See `prometheus_client.registry.Collector`."""
        now = self._newest()
        yield self._gauge("trustseg_failure", "1: the masks must not be used.", float(now.failed))
        if now.verdict is not None:
            family = GaugeMetricFamily("trustseg_state", "State of the monitor: 1 for the one that holds.",
                                       labels=("camera", "state"))  # fmt: skip
            for state in State:
                family.add_metric((self._camera, state.name), float(now.verdict.state == state))
            yield family
            yield self._by_reason(now.verdict.reasons)
            yield self._counter("trustseg_segmenter_restarts", "New instances of the node.", now.verdict.restarts)
        if now.status is not None:
            for name, text in COUNTERS.items():
                yield self._counter(f"trustseg_frames_{name}", text, getattr(now.status, name))
            for name, (metric, text) in SCORES.items():
                yield self._gauge(metric, text, getattr(now.status, name))
        family = GaugeMetricFamily("trustseg_stage_milliseconds", "Time of a stage, over the window.",
                                   labels=("camera", "stage", "quantile"))  # fmt: skip
        for stage, figures in now.stages.items():
            for name, value in figures.items():
                if name != "count":
                    family.add_metric((self._camera, stage.removesuffix("_ms"), f"0.{name[1:]}"), value)
        yield family
        for metric, text, values in (
            ("trustseg_temperature_celsius", "Temperatures of the machine.", now.sensors.celsius),
            ("trustseg_power_watts", "Power that the machine draws.", now.sensors.watt),
            ("trustseg_clock_megahertz", "Clocks of the machine.", now.sensors.megahertz),
        ):
            family = GaugeMetricFamily(metric, text, labels=("camera", "sensor"))
            for sensor, value in values.items():
                family.add_metric((self._camera, sensor), value)
            yield family

    def _by_reason(self, bits: int) -> GaugeMetricFamily:
        family = GaugeMetricFamily("trustseg_reason", "1 for each reason in force.", labels=("camera", "reason"))
        in_force = set(Reason(bits).names())
        for reason in Reason:
            for name in reason.names():
                family.add_metric((self._camera, name), float(name in in_force))
        return family

    def _gauge(self, name: str, text: str, value: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, text, labels=("camera",))
        family.add_metric((self._camera,), float(value))
        return family

    def _counter(self, name: str, text: str, value: float) -> CounterMetricFamily:
        family = CounterMetricFamily(name, text, labels=("camera",))
        family.add_metric((self._camera,), float(value))
        return family
