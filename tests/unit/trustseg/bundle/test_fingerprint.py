# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A fingerprint tells every change of a value, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from trustseg.bundle.fingerprint import fingerprint


def thing(**changes: object) -> SimpleNamespace:
    held = {"a": 1, "b": 0.5, "c": [0.25, 0.5], "d": np.arange(6).reshape(2, 3), "e": ("x", None), "f": {"k": True}}
    return SimpleNamespace(**{**held, **changes})


def test_equal_contents_are_equal() -> None:
    assert fingerprint(thing()) == fingerprint(thing())
    assert fingerprint([float("nan")]) == fingerprint([float("nan")])


@pytest.mark.parametrize(
    "changes",
    [
        {"a": 2}, {"a": 1.0}, {"b": float(np.nextafter(0.5, 1.0))}, {"c": [0.25, 0.5, 0.0]}, {"c": [0.5, 0.25]},
        {"d": np.arange(6).reshape(3, 2)}, {"d": np.arange(6, dtype=np.int32).reshape(2, 3)},
        {"d": np.array([[0, 1, 2], [3, 4, 6]])}, {"e": ("x", 0)}, {"e": ("x",)}, {"f": {"k": False}},
        {"f": {"j": True}}, {"f": {}}, {"g": 0},
    ],
)  # fmt: skip
def test_every_change_shows(changes: dict[str, object]) -> None:
    assert fingerprint(thing(**changes)) != fingerprint(thing())


def test_what_it_cannot_see_into_is_refused() -> None:
    with pytest.raises(TypeError, match="builtin_function"):
        fingerprint({"call": len})
