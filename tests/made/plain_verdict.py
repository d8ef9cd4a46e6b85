# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A verdict without ROS: the fields of a FailureState that guard and rig read, spoken of as a message does."""

from __future__ import annotations

from dataclasses import dataclass, field

from trustseg.reasons import State


@dataclass
class Stamp:
    sec: int = 0
    nanosec: int = 0

    def get_fields_and_field_types(self) -> dict[str, str]:
        return {"sec": "int32", "nanosec": "uint32"}


@dataclass
class Verdict:
    """One verdict that says that all is well until second 100."""

    version: int = 2
    instance_id: int = 5
    seq: int = 0
    state: int = State.OK
    failure: bool = False
    reasons: int = 0
    latched_reasons: int = 0
    first_reason: str = ""
    failure_score: float = 0.25
    valid_until: Stamp = field(default_factory=lambda: Stamp(100))
    publish_steady_ns: int = 0
    host_id: int = 0
    mode: int = 0
    fault_injection: bool = False
    source_instance_id: int = 7
    source_seq: int = 100
    source_age_ms: float = 30.0
    good_in_row: int = 50
    restarts: int = 0
    degraded_is_failure: bool = True
    crc32: int = 0

    def get_fields_and_field_types(self) -> dict[str, str]:
        return {
            "version": "uint8", "instance_id": "uint64", "seq": "uint64", "state": "uint8", "failure": "boolean",
            "reasons": "uint64", "latched_reasons": "uint64", "first_reason": "string", "failure_score": "float",
            "valid_until": "builtin_interfaces/Time", "publish_steady_ns": "uint64", "host_id": "uint64",
            "mode": "uint8", "fault_injection": "boolean", "source_instance_id": "uint64", "source_seq": "uint64",
            "source_age_ms": "float", "good_in_row": "uint32", "restarts": "uint32", "degraded_is_failure": "boolean",
            "crc32": "uint32",
        }  # fmt: skip
