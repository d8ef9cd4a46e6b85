# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a scrape says, read back by Prometheus's own parser."""

from __future__ import annotations

from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from trustseg.host.sensors import Sensors
from trustseg.reasons import Reason, State
from trustseg_ros.operations.collector import Newest, TrustSegCollector


def scrape(newest: Newest) -> dict[tuple[str, str], float]:
    """(metric, the label beside the camera) -> value."""
    registry = CollectorRegistry()
    registry.register(TrustSegCollector(lambda: newest, "front"))
    found = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            assert sample.labels["camera"] == "front"
            others = [value for name, value in sorted(sample.labels.items()) if name != "camera"]
            found[(sample.name, " ".join(others))] = sample.value
    return found


def test_before_anything_has_come_the_flag_is_up_and_nothing_else_is_claimed() -> None:
    assert scrape(Newest()) == {("trustseg_failure", ""): 1.0}


def test_everything_that_is_known_is_told() -> None:
    status = SimpleNamespace(
        received=12, processed=9, skipped=2, rejected=1, failure_score=0.25, predicted_miou=0.75, mean_confidence=0.5
    )
    verdict = SimpleNamespace(state=int(State.FAILED), reasons=int(Reason.DARK | Reason.FROZEN), restarts=3)
    stages = {"engine_ms": {"count": 9.0, "p50": 4.0, "p95": 5.0, "p99": 6.0}}
    found = scrape(Newest(status, verdict, True, stages, Sensors({"cpu": 61.0}, {"VDD_IN": 6.0}, {"gpu": 918.0}, 0)))
    assert {state for (name, state), value in found.items() if name == "trustseg_state" and value} == {"FAILED"}
    assert {r for (name, r), value in found.items() if name == "trustseg_reason" and value} == {"DARK", "FROZEN"}
    assert sum(name == "trustseg_reason" for name, _ in found) >= 40
    assert found[("trustseg_frames_received_total", "")] == 12.0
    assert found[("trustseg_frames_rejected_total", "")] == 1.0
    assert found[("trustseg_segmenter_restarts_total", "")] == 3.0
    assert found[("trustseg_predicted_quality", "")] == 0.75
    assert found[("trustseg_stage_milliseconds", "0.95 engine")] == 5.0
    assert found[("trustseg_temperature_celsius", "cpu")] == 61.0
    assert found[("trustseg_power_watts", "VDD_IN")] == 6.0
    assert found[("trustseg_clock_megahertz", "gpu")] == 918.0
