# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One suite for every backend: the same promises, whatever the library behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend_cases import HEIGHT, WIDTH, open_engine, scene
from bundle_factory import make_tiny_bundle
from trustseg.backends import BACKENDS, CPU_BACKENDS, Backend, create_backend, golden_test
from trustseg.bundle.loading import Bundle, load_bundle, sha256_hex
from trustseg.errors import BackendError, BundleError, TrustSegError
from trustseg.types import EngineOutput


def test_says_what_it_is(backend: Backend) -> None:
    assert backend.name in BACKENDS
    assert backend.precision == "fp32"
    assert backend.version[0].isdigit()


def test_shapes_and_dtypes(backend: Backend, bundle: Bundle) -> None:
    output = backend.infer(scene(1))
    assert (output.labels.shape, output.labels.dtype) == ((HEIGHT, WIDTH), np.uint8)
    assert (output.confidence.shape, output.confidence.dtype) == ((HEIGHT, WIDTH), np.uint8)
    assert (output.features.shape, output.features.dtype) == ((len(bundle.card.feature_names),), np.float32)
    assert output.labels.max() < len(bundle.card.classes)
    assert output.features[0] == 0.0
    assert output.engine_ms > 0.0


def test_same_image_same_output(backend: Backend) -> None:
    first = backend.infer(scene(1))
    backend.infer(scene(2))
    again = backend.infer(scene(1))
    assert np.array_equal(first.labels, again.labels)
    assert np.array_equal(first.confidence, again.confidence)
    assert np.array_equal(first.features, again.features)


def test_outputs_belong_to_the_caller(backend: Backend) -> None:
    """The next call changes nothing that was handed out, and writing into it changes nothing later."""
    first = backend.infer(scene(1))
    kept = EngineOutput(first.labels.copy(), first.confidence.copy(), first.features.copy(), 0.0)
    other = backend.infer(scene(2))
    assert not np.array_equal(kept.features, other.features)  # the second image does differ
    assert np.array_equal(first.labels, kept.labels)
    assert np.array_equal(first.confidence, kept.confidence)
    assert np.array_equal(first.features, kept.features)
    first.labels[:] = 77
    first.features[:] = -1.0
    again = backend.infer(scene(1))
    assert np.array_equal(again.labels, kept.labels)
    assert np.array_equal(again.features, kept.features)


def test_input_is_not_changed_and_may_be_reused(backend: Backend) -> None:
    image = scene(1)
    before = image.copy()
    first = backend.infer(image)
    assert np.array_equal(image, before)
    image[:] = 0
    assert np.array_equal(backend.infer(before).labels, first.labels)


def test_input_may_be_strided_or_read_only(backend: Backend) -> None:
    wide = np.concatenate([scene(1), scene(2)], axis=1)
    wide.flags.writeable = False
    assert np.array_equal(backend.infer(wide[:, :WIDTH]).labels, backend.infer(scene(1)).labels)
    turned = np.ascontiguousarray(scene(1)[..., ::-1])
    assert np.array_equal(backend.infer(turned[..., ::-1]).labels, backend.infer(scene(1)).labels)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8),
        np.zeros((WIDTH, HEIGHT, 3), np.uint8),
        np.zeros((HEIGHT, WIDTH), np.uint8),
        np.zeros((HEIGHT, WIDTH, 4), np.uint8),
        np.zeros((1, HEIGHT, WIDTH, 3), np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.float32),
        np.zeros((HEIGHT, WIDTH, 3), np.int8),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_wrong_input_is_refused(backend: Backend, image: np.ndarray) -> None:
    with pytest.raises(BackendError, match=rf"expected uint8 \({HEIGHT}, {WIDTH}, 3\), got {image.dtype}"):
        backend.infer(image)
    assert backend.infer(scene(1)).features[0] == 0.0  # and it goes on working


@pytest.mark.parametrize("value", [0, 255])
def test_extreme_images_stay_finite(backend: Backend, value: int) -> None:
    output = backend.infer(np.full((HEIGHT, WIDTH, 3), value, np.uint8))
    assert np.isfinite(output.features).all()
    assert output.features[0] == 0.0


def test_golden(backend: Backend, bundle: Bundle) -> None:
    result = golden_test(backend, bundle)
    assert result.passed, result.why
    assert result.mask_agreement >= 0.995
    assert result.why == ""


def test_confidence_code_is_that_of_the_card(backend: Backend, bundle: Bundle) -> None:
    """Mean of the decoded map against the graph's own mean, both computed from the same logits."""
    output = backend.infer(scene(3))
    p = bundle.card.confidence_code.probabilities()[output.confidence]
    assert p.mean() == pytest.approx(output.features[bundle.card.feature_names.index("confidence_mean")], abs=0.003)


def test_nan_weights_are_counted_and_blind_the_confidence(
    engine: str, broken: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_engine(monkeypatch, engine, broken)
    output = opened.infer(scene(1))
    assert output.features[0] > 0
    assert output.confidence.max() == 0
    result = golden_test(opened, broken)
    assert not result.passed
    assert "non-finite" in result.why
    opened.close()


def test_closed(engine: str, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_engine(monkeypatch, engine, bundle)
    kept = opened.infer(scene(1))
    copy = kept.labels.copy()
    opened.close()
    opened.close()
    assert np.array_equal(kept.labels, copy)
    with pytest.raises(BackendError, match="is closed"):
        opened.infer(scene(1))


def _with_model(bundle: Bundle, folder: Path, data: bytes) -> Bundle:
    """The bundle with another graph under the same card, hashes adjusted."""
    path = make_tiny_bundle(folder / "engines" / "other", height=HEIGHT, width=WIDTH)
    (path / "model.onnx").write_bytes(data)
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp32"].update(sha256=sha256_hex(data), size_bytes=len(data))
    (path / "card.json").write_text(json.dumps(card))
    return load_bundle(path)


@pytest.mark.parametrize("name", CPU_BACKENDS)
@pytest.mark.parametrize("data", [b"not a graph at all", b"\x08\x09"])
def test_unreadable_graph_is_one_error(name: str, data: bytes, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(TrustSegError, match=r"cannot load bundle other|is no plain ONNX file") as caught:
        create_backend(name, _with_model(bundle, tmp_path, data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", CPU_BACKENDS)
def test_graph_that_does_not_fit_its_card(name: str, bundle: Bundle, tmp_path: Path) -> None:
    larger = load_bundle(make_tiny_bundle(tmp_path / "a" / "engines" / "larger", height=HEIGHT, width=WIDTH + 16))
    with pytest.raises(BackendError, match=r"does not fit its card: tensor 'labels'.*expected uint8 \(1, 48, 64\)"):
        create_backend(name, _with_model(bundle, tmp_path / "b", larger.model_bytes()))


@pytest.mark.parametrize("name", CPU_BACKENDS)
def test_altered_graph_never_reaches_the_library(
    name: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_tiny_bundle(tmp_path / "engines" / "altered", height=HEIGHT, width=WIDTH)
    data = bytearray((path / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (path / "model.onnx").write_bytes(data)

    import onnxruntime
    import openvino

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("parsed")

    monkeypatch.setattr(onnxruntime, "InferenceSession", never)
    monkeypatch.setattr(openvino, "Core", never)
    with pytest.raises(BundleError, match="has been altered"):
        create_backend(name, load_bundle(path))


def test_unknown_backend_and_threads(bundle: Bundle) -> None:
    with pytest.raises(BackendError, match=r"expected auto, onnxruntime, openvino, tensorrt, .*got 'tvm'"):
        create_backend("tvm", bundle)
    with pytest.raises(BackendError, match="threads"):
        create_backend("onnxruntime", bundle, threads=0)


def test_backends_agree(bundle: Bundle) -> None:
    """The spread between backends lies well within the card's tolerances, on images that are not the golden one."""
    first, second = (create_backend(name, bundle) for name in CPU_BACKENDS)
    for seed in (4, 5):
        a, b = first.infer(scene(seed)), second.infer(scene(seed))
        assert np.mean(a.labels == b.labels) > 0.999
        assert np.abs(a.confidence.astype(int) - b.confidence).mean() < 0.1
        assert np.allclose(a.features, b.features, rtol=1e-3, atol=1e-4)
