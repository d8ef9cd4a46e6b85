# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Inference backends behind one interface, and the golden test that admits them."""

from trustseg.backend_registry import AUTO, BACKENDS, CPU_BACKENDS, backend_order, spare_order
from trustseg.backends.golden import GoldenCase, GoldenResult, golden_test, load_golden
from trustseg.backends.interface import Backend
from trustseg.backends.selection import (
    Candidate,
    create_backend,
    select_backend,
    try_backend,
)

__all__ = [
    "AUTO",
    "BACKENDS",
    "CPU_BACKENDS",
    "Backend",
    "Candidate",
    "GoldenCase",
    "GoldenResult",
    "backend_order",
    "create_backend",
    "golden_test",
    "load_golden",
    "select_backend",
    "spare_order",
    "try_backend",
]
