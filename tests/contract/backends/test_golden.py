# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The golden test itself: its figures by hand, what it refuses, and what it times."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend_cases import HEIGHT, WIDTH, FakeBackend
from bundle_factory import make_tiny_bundle
from trustseg.backends import golden_test, load_golden
from trustseg.backends.golden import compare_golden
from trustseg.bundle.loading import Bundle, load_bundle, sha256_hex
from trustseg.errors import BundleError
from trustseg.types import EngineOutput


def test_golden_figures_by_hand(bundle: Bundle) -> None:
    case = load_golden(bundle)
    labels, confidence, features = case.labels.copy(), case.confidence.copy(), case.features.copy()
    flat = labels.reshape(-1)
    flat[:31] = (flat[:31] + 1) % 11  # 31 of 3072 pixels
    confidence[:] = np.where(case.confidence > 100, case.confidence - 3, case.confidence + 3)
    features[1] += 0.03 * (abs(features[1]) + 0.1)
    result = compare_golden(EngineOutput(labels, confidence, features, 1.0), case, bundle.card, 2.5)
    assert result.mask_agreement == pytest.approx(1 - 31 / 3072)
    assert result.confidence_mean_abs == pytest.approx(3.0)
    assert result.features_rel == pytest.approx(0.03, rel=1e-3)
    assert result.engine_ms == 2.5
    assert not result.passed
    for part in ("mask agreement 0.9899", "confidence off by 3.00", "confidence_mean off by 0.03"):
        assert part in result.why


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_golden_refuses_what_is_not_finite(bundle: Bundle, value: float) -> None:
    case = load_golden(bundle)
    features = case.features.copy()
    features[5] = value
    result = compare_golden(EngineOutput(case.labels, case.confidence, features, 1.0), case, bundle.card, 1.0)
    assert not result.passed
    assert result.features_rel == np.inf


def test_golden_of_another_size_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path / "engines" / "mixed", height=HEIGHT, width=WIDTH)
    other = make_tiny_bundle(tmp_path / "engines" / "small", height=HEIGHT, width=WIDTH - 16)
    (path / "golden.npz").write_bytes((other / "golden.npz").read_bytes())
    card = json.loads((path / "card.json").read_text())
    card["golden"]["expected_sha256"] = sha256_hex((path / "golden.npz").read_bytes())
    (path / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match=r"golden labels .* do not fit the card, expected uint8 \(48, 64\)"):
        load_golden(load_bundle(path))


def test_a_damaged_golden_output_is_one_line(bundle: Bundle, tmp_path: Path) -> None:
    """Of a card whose hash was made of the damage: zlib's own error was a traceback."""
    path = make_tiny_bundle(tmp_path / "engines" / "torn", height=HEIGHT, width=WIDTH)
    data = bytearray((path / "golden.npz").read_bytes())
    data[90:110] = bytes(20)
    (path / "golden.npz").write_bytes(data)
    card = json.loads((path / "card.json").read_text())
    card["golden"]["expected_sha256"] = sha256_hex(bytes(data))
    (path / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match=r"golden output of bundle .* cannot be read, got ") as caught:
        load_golden(load_bundle(path))
    assert "\n" not in str(caught.value)


def test_golden_test_times_the_least_disturbed_call(bundle: Bundle) -> None:
    """Calls take 9 (warm-up), 8, 3, 7 ms: 3."""

    class Disturbed(FakeBackend):
        times = [9.0, 8.0, 3.0, 7.0]  # noqa: RUF012

        def infer(self, image: np.ndarray) -> EngineOutput:
            return replace(super().infer(image), engine_ms=self.times.pop(0))

    assert golden_test(Disturbed("disturbed", bundle, 1.0), bundle, repeats=3).engine_ms == 3.0


def test_golden_test_compares_every_repeat(bundle: Bundle) -> None:
    """A backend that is right once and wrong later must not pass."""

    class Moody(FakeBackend):
        calls = 0

        def infer(self, image: np.ndarray) -> EngineOutput:
            Moody.calls += 1
            good = super().infer(image)
            bad = EngineOutput((good.labels + 1) % 11, good.confidence, good.features, 1.0)
            return bad if Moody.calls == 4 else good

    assert not golden_test(Moody("moody", bundle, 1.0), bundle, repeats=5).passed
