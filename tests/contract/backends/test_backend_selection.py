# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which backend runs: the fastest, or the first of an order, that proves itself."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from backend_cases import FakeBackend
from trustseg.backends import CPU_BACKENDS, select_backend, selection, try_backend
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError, PlanError, SelfTestError


def _install(monkeypatch: pytest.MonkeyPatch, bundle: Bundle, **made: Any) -> dict[str, FakeBackend]:
    """`made`: name -> (milliseconds, spoil) or an error that creating it raises."""
    fakes: dict[str, FakeBackend] = {}

    def create(name: str, *_: Any) -> FakeBackend:
        if name not in made:
            raise BackendError(f"{name} is not installed") from ImportError(name)
        if isinstance(made[name], Exception):
            raise made[name]
        fakes[name] = FakeBackend(name, bundle, made[name][0], spoil=made[name][1])
        return fakes[name]

    monkeypatch.setattr(selection, "create_backend", create)
    return fakes


@pytest.mark.parametrize(
    ("name", "precision", "saturates", "told"),
    [
        ("openvino", "int8", True, True),
        ("openvino-bf16", "int8", True, True),
        ("openvino", "int8", False, False),
        ("openvino", "fp32", True, False),
        ("onnxruntime", "int8", True, False),
    ],
)
def test_a_processor_whose_8_bit_sums_saturate_is_told(
    monkeypatch: pytest.MonkeyPatch, bundle: Bundle, name: str, precision: str, saturates: bool, told: bool
) -> None:
    monkeypatch.setattr(selection, "eight_bit_sums_saturate", lambda: saturates)
    _install(monkeypatch, bundle, **{name: (1.0, True)})
    candidate, backend = try_backend(name, bundle, precision)
    assert backend is None
    assert candidate.why.startswith("mask agreement")
    assert ("no VNNI" in candidate.why) == told


@pytest.mark.parametrize(("ort_ms", "ov_ms", "winner"), [(9.0, 5.0, "openvino"), (5.0, 9.0, "onnxruntime")])
def test_auto_takes_the_fastest(
    monkeypatch: pytest.MonkeyPatch, bundle: Bundle, ort_ms: float, ov_ms: float, winner: str
) -> None:
    fakes = _install(monkeypatch, bundle, onnxruntime=(ort_ms, False), openvino=(ov_ms, False))
    chosen = select_backend("auto", bundle)
    assert chosen.name == winner
    assert {name: fake.closed for name, fake in fakes.items()} == {n: n != winner for n in CPU_BACKENDS}


def test_auto_passes_over_a_fast_liar(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    fakes = _install(monkeypatch, bundle, onnxruntime=(9.0, False), openvino=(1.0, True))
    assert select_backend("auto", bundle).name == "onnxruntime"
    assert fakes["openvino"].closed


def test_auto_does_without_a_missing_library(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    _install(
        monkeypatch, bundle, onnxruntime=BackendError("backend onnxruntime is not installed"), openvino=(1.0, False)
    )
    assert select_backend("auto", bundle).name == "openvino"


def test_none_passes(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    fakes = _install(monkeypatch, bundle, onnxruntime=(9.0, True), openvino=(1.0, True))
    with pytest.raises(SelfTestError, match=r"fails the golden test.*onnxruntime: mask agreement.*openvino: mask"):
        select_backend("auto", bundle)
    assert all(fake.closed for fake in fakes.values())


def test_named_backend_must_pass_too(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    _install(monkeypatch, bundle, onnxruntime=(9.0, False), openvino=(1.0, True))
    with pytest.raises(SelfTestError):
        select_backend("openvino", bundle)
    assert select_backend("onnxruntime", bundle).name == "onnxruntime"


def test_none_loads(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    _install(monkeypatch, bundle, onnxruntime=BackendError("broken"), openvino=BackendError("gone"))
    with pytest.raises(BackendError, match="onnxruntime: broken; openvino: gone") as caught:
        select_backend("auto", bundle)
    assert not isinstance(caught.value, SelfTestError)


def test_missing_library_is_told_from_a_bad_one(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    candidate, engine = try_backend("openvino", bundle)
    assert engine is None
    assert candidate.missing
    assert "pip install openvino" in candidate.why


# The order of fall-back -----------------------------------------------------------------------------------------------


def test_the_first_of_an_order_that_passes_is_taken(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    """Not the fastest: a configured order says what is wanted."""
    fakes = _install(monkeypatch, bundle, tensorrt=(1.0, True), onnxruntime=(9.0, False), openvino=(2.0, False))
    assert select_backend("tensorrt,onnxruntime,openvino", bundle).name == "onnxruntime"
    assert fakes["tensorrt"].closed
    assert "openvino" not in fakes  # never loaded
    assert select_backend("openvino, onnxruntime", bundle).name == "openvino"


def test_a_plan_that_does_not_fit_is_passed_over(monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    _install(monkeypatch, bundle, tensorrt=PlanError("of another GPU"), openvino=(2.0, False))
    assert select_backend("tensorrt,openvino", bundle).name == "openvino"
    with pytest.raises(BackendError, match="tensorrt: of another GPU"):
        select_backend("tensorrt", bundle)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("tensorrt,tvm", "got 'tvm'"),
        ("openvino,openvino", "each name once"),
        ("", "no such backend"),
        ("auto,openvino", "'auto'"),
    ],
)
def test_an_order_is_checked_before_anything_is_loaded(bundle: Bundle, order: str, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        select_backend(order, bundle)
