"""One suite for every backend: the same promises, whatever the library behind them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import (
    BACKENDS,
    Backend,
    create_backend,
    golden_test,
    load_golden,
    select_backend,
    selection,
    try_backend,
)
from trustseg.backends.golden import compare_golden
from trustseg.backends.openvino_backend import OpenVinoBackend, cache_folder
from trustseg.bundle import Bundle, load_bundle, sha256_hex
from trustseg.errors import BackendError, BundleError, SelfTestError
from trustseg.types import EngineOutput

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled models of these tests stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("e") / "engines" / "tiny", height=HEIGHT, width=WIDTH))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle whose weights hold one NaN."""
    path = tmp_path_factory.mktemp("e") / "engines" / "broken"
    return load_bundle(make_tiny_bundle(path, height=HEIGHT, width=WIDTH, broken="nan"))


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest, bundle: Bundle) -> Iterator[Backend]:
    created = create_backend(request.param, bundle)
    yield created
    created.close()


def scene(seed: int) -> np.ndarray:
    return paint_scene(HEIGHT, WIDTH, seed=seed)


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


@pytest.mark.parametrize("name", BACKENDS)
def test_nan_weights_are_counted_and_blind_the_confidence(name: str, broken: Bundle) -> None:
    engine = create_backend(name, broken)
    output = engine.infer(scene(1))
    assert output.features[0] > 0
    assert output.confidence.max() == 0
    result = golden_test(engine, broken)
    assert not result.passed
    assert "non-finite" in result.why
    engine.close()


@pytest.mark.parametrize("name", BACKENDS)
def test_closed(name: str, bundle: Bundle) -> None:
    engine = create_backend(name, bundle)
    kept = engine.infer(scene(1))
    copy = kept.labels.copy()
    engine.close()
    engine.close()
    assert np.array_equal(kept.labels, copy)
    with pytest.raises(BackendError, match="is closed"):
        engine.infer(scene(1))


def _with_model(bundle: Bundle, folder: Path, data: bytes) -> Bundle:
    """The bundle with another graph under the same card, hashes adjusted."""
    path = make_tiny_bundle(folder / "engines" / "other", height=HEIGHT, width=WIDTH)
    (path / "model.onnx").write_bytes(data)
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp32"].update(sha256=sha256_hex(data), size_bytes=len(data))
    (path / "card.json").write_text(json.dumps(card))
    return load_bundle(path)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("data", [b"not a graph at all", b"\x08\x09"])
def test_unreadable_graph_is_one_error(name: str, data: bytes, bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="cannot load bundle other") as caught:
        create_backend(name, _with_model(bundle, tmp_path, data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", BACKENDS)
def test_graph_that_does_not_fit_its_card(name: str, bundle: Bundle, tmp_path: Path) -> None:
    larger = load_bundle(make_tiny_bundle(tmp_path / "a" / "engines" / "larger", height=HEIGHT, width=WIDTH + 16))
    with pytest.raises(BackendError, match=r"does not fit its card: tensor 'labels'.*expected uint8 \(1, 48, 64\)"):
        create_backend(name, _with_model(bundle, tmp_path / "b", larger.model_bytes()))


@pytest.mark.parametrize("name", BACKENDS)
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
    with pytest.raises(BackendError, match="expected auto, onnxruntime, openvino, got 'tvm'"):
        create_backend("tvm", bundle)
    with pytest.raises(BackendError, match="threads"):
        create_backend("onnxruntime", bundle, threads=0)


def test_backends_agree(bundle: Bundle) -> None:
    """The spread between backends lies well within the card's tolerances, on images that are not the golden one."""
    first, second = (create_backend(name, bundle) for name in BACKENDS)
    for seed in (4, 5):
        a, b = first.infer(scene(seed)), second.infer(scene(seed))
        assert np.mean(a.labels == b.labels) > 0.999
        assert np.abs(a.confidence.astype(int) - b.confidence).mean() < 0.1
        assert np.allclose(a.features, b.features, rtol=1e-3, atol=1e-4)


# The golden test itself ---------------------------------------------------------------------------------------------


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


# Selection ----------------------------------------------------------------------------------------------------------


class FakeBackend:
    """Reproduces the golden output, spoiled on demand, and says how long it took."""

    precision = "fp32"
    version = "1"

    def __init__(self, name: str, bundle: Bundle, engine_ms: float, *, spoil: bool = False) -> None:
        self.name, self.closed = name, False
        case = load_golden(bundle)
        labels = (case.labels + 1) % 11 if spoil else case.labels
        self._output = EngineOutput(labels, case.confidence, case.features, engine_ms)

    def infer(self, image: np.ndarray) -> EngineOutput:
        return self._output

    def close(self) -> None:
        self.closed = True


def _install(monkeypatch: pytest.MonkeyPatch, bundle: Bundle, **made: Any) -> dict[str, FakeBackend]:
    """`made`: name -> (milliseconds, spoil) or an error that creating it raises."""
    fakes: dict[str, FakeBackend] = {}

    def create(name: str, *_: Any) -> FakeBackend:
        if isinstance(made[name], Exception):
            raise made[name]
        fakes[name] = FakeBackend(name, bundle, made[name][0], spoil=made[name][1])
        return fakes[name]

    monkeypatch.setattr(selection, "create_backend", create)
    return fakes


@pytest.mark.parametrize(("ort_ms", "ov_ms", "winner"), [(9.0, 5.0, "openvino"), (5.0, 9.0, "onnxruntime")])
def test_auto_takes_the_fastest(
    monkeypatch: pytest.MonkeyPatch, bundle: Bundle, ort_ms: float, ov_ms: float, winner: str
) -> None:
    fakes = _install(monkeypatch, bundle, onnxruntime=(ort_ms, False), openvino=(ov_ms, False))
    chosen = select_backend("auto", bundle)
    assert chosen.name == winner
    assert {name: fake.closed for name, fake in fakes.items()} == {n: n != winner for n in BACKENDS}


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


# OpenVINO's own -----------------------------------------------------------------------------------------------------


def test_bf16_is_an_option(bundle: Bundle) -> None:
    engine = OpenVinoBackend(bundle, arithmetic="bf16")
    assert np.isfinite(engine.infer(scene(1)).features).all()
    with pytest.raises(BackendError, match="expected f32 or bf16, got 'int4'"):
        OpenVinoBackend(bundle, arithmetic="int4")


def test_cache_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache_folder()
    assert folder == tmp_path / "cache" / "trustseg" / "openvino"
    assert folder.stat().st_mode & 0o777 == 0o700
    create_backend("openvino", bundle).close()
    assert list(folder.iterdir()), "nothing was cached"
    assert try_backend("openvino", bundle)[0].passed  # from the cache
    folder.chmod(0o777)  # anybody could put a model there
    assert cache_folder() is None


def test_no_cache_where_none_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder() is None
    assert try_backend("openvino", bundle)[0].passed


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
