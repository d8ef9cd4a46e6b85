# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the black box says of itself in /diagnostics."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus

from trustseg.bounds import SECOND
from trustseg_ros.blackbox.message_ring import Ring
from trustseg_ros.blackbox.scribe import Scribe
from trustseg_ros.blackbox.shelf import Shelf
from trustseg_ros.common.diagnostics import OK, WARN, diagnostic

MB = 1e6


def diagnosis(node: str, ring: Ring, shelf: Shelf, scribe: Scribe, not_heard: Mapping[str, str]) -> DiagnosticStatus:
    """OK; or WARN, and why, as long as the newest record is lost or a topic cannot be recorded."""
    counts = scribe.counts
    problems = [f"the newest record is lost: {counts.trouble}"] if counts.trouble else []
    problems += [f"{topic} is not recorded: {why}" for topic, why in not_heard.items()]
    problems += [f"{topic}: messages larger than the memory" for topic in list(ring.refused)]
    message = "; ".join(problems) or ("recording" if scribe.recording else "listening")
    values = {
        "memory, MB": ring.size / MB,
        "memory at most, MB": ring.capacity / MB,
        "held, s": ring.span_ns / SECOND,
        "messages held": len(ring),
        "records written": counts.written,
        "records lost": counts.failed,
        "records there": len(shelf),
        "records there, MB": shelf.size / MB,
        "old records removed": shelf.removed,
        "messages missed by records": sum(counts.missed.values()),
        "newest record": counts.last or "none",
        "disk free, MB": shelf.free / MB,
    }
    return diagnostic(node, "records", WARN if problems else OK, message, values)
