"""Inference backends behind one interface, and the golden test that admits them."""

from trustseg.backends.golden import GoldenCase, GoldenResult, golden_test, load_golden
from trustseg.backends.interface import Backend
from trustseg.backends.selection import AUTO, BACKENDS, Candidate, create_backend, select_backend, try_backend

__all__ = [
    "AUTO",
    "BACKENDS",
    "Backend",
    "Candidate",
    "GoldenCase",
    "GoldenResult",
    "create_backend",
    "golden_test",
    "load_golden",
    "select_backend",
    "try_backend",
]
