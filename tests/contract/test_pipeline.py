# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The data path as a whole, on a real engine: what comes out, and that nothing leaks from frame to frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from patience import WAIT_S
from trustseg.backends import create_backend
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.calibration import ConfidenceTable
from trustseg.errors import BackendError, BundleError, FrameRejected, InputError
from trustseg.input_health import HealthConfig, InputHealth
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Reason, Severity
from trustseg.temporal_filter import USUAL_GAP_NS, TemporalFilter
from trustseg.types import EngineOutput, Frame, HealthReport, UInt8Array

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("p") / "engines" / "tiny", height=HEIGHT, width=WIDTH))


@pytest.fixture
def pipeline(bundle: Bundle) -> Pipeline:
    return Pipeline(bundle, create_backend("onnxruntime", bundle))


def scene(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return paint_scene(height, width, seed=seed)


def test_result_of_a_good_frame(pipeline: Pipeline, bundle: Bundle) -> None:
    result = pipeline.process(Frame(scene(0), 1))
    assert result.verdict.frame_ok, result.verdict.reasons
    assert result.labels.shape == result.confidence.shape == (HEIGHT, WIDTH)
    assert result.labels.dtype == result.confidence.dtype == np.uint8
    assert result.features.shape == (len(bundle.card.feature_names),)
    assert 0.0 < result.engine_ms <= result.pipeline_ms
    table = np.round(np.array(bundle.calibration().table) * 255)
    engine = pipeline.backend.infer(scene(0))
    assert np.array_equal(result.confidence, table[engine.confidence])
    assert result.verdict.mean_confidence == pytest.approx(result.confidence.mean() / 255, abs=0.002)


def test_versions_are_those_of_the_bundle(pipeline: Pipeline, bundle: Bundle) -> None:
    assert pipeline.model_sha256 == bundle.card.models["fp32"].sha256
    assert pipeline.calibration_sha256 == bundle.card.calibration["fp32"].sha256


def test_camera_image_is_stretched(pipeline: Pipeline) -> None:
    """INTER_LINEAR to network size, no letterbox to 16:9: the same as handing in the stretched image."""
    image = scene(1, 90, 160)
    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(pipeline.network_image(image), small)
    assert np.array_equal(pipeline.process(Frame(image, 1)).labels, pipeline.process(Frame(small, 2)).labels)


def test_channel_order_is_honoured(pipeline: Pipeline) -> None:
    rgb = scene(2, 96, 128)
    as_rgb = pipeline.process(Frame(rgb, 1, color_order="rgb"))
    as_bgr = pipeline.process(Frame(np.ascontiguousarray(rgb[..., ::-1]), 2, color_order="bgr"))
    swapped = pipeline.process(Frame(rgb, 3, color_order="bgr"))
    assert np.array_equal(as_rgb.labels, as_bgr.labels)
    assert np.array_equal(as_rgb.features, as_bgr.features)
    assert not np.array_equal(as_rgb.labels, swapped.labels)


def test_row_padding_is_no_matter(pipeline: Pipeline) -> None:
    padded = np.zeros((96, 140, 3), np.uint8)
    padded[:, :128] = scene(3, 96, 128)
    view = padded[:, :128]
    assert not view.flags.c_contiguous
    result = pipeline.process(Frame(view, 1))
    assert np.array_equal(result.labels, pipeline.process(Frame(np.ascontiguousarray(view), 2)).labels)


def test_results_do_not_change_later(pipeline: Pipeline) -> None:
    first = pipeline.process(Frame(scene(1), 1))
    kept = (first.labels.copy(), first.confidence.copy(), first.features.copy())
    pipeline.process(Frame(scene(2), 2))
    for array, copy in zip((first.labels, first.confidence, first.features), kept, strict=True):
        assert np.array_equal(array, copy)


def test_frozen_camera_is_found_on_the_third_frame(pipeline: Pipeline) -> None:
    image = scene(1)
    reasons = [pipeline.process(Frame(image.copy(), stamp)).verdict.reasons for stamp in (1, 2, 3, 4)]
    assert [Reason.FROZEN in r for r in reasons] == [False, False, True, True]
    pipeline.reset()
    assert Reason.FROZEN not in pipeline.process(Frame(image.copy(), 5)).verdict.reasons


def test_configuration_reaches_the_checks(bundle: Bundle) -> None:
    config = PipelineConfig(health=HealthConfig(frozen_after=0), one_class_share=0.2)
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle), config=config)
    for stamp in (1, 2, 3):
        reasons = pipeline.process(Frame(scene(0), stamp)).verdict.reasons
    assert reasons == Reason.OUTPUT_IMPLAUSIBLE


def test_black_frame(pipeline: Pipeline) -> None:
    verdict = pipeline.process(Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 1)).verdict
    assert verdict.severity is Severity.HARD
    assert Reason.DARK in verdict.reasons
    assert Reason.LOW_QUALITY in verdict.reasons  # the verdict model sees it too


def test_nan_weights_fail_the_frame_and_its_confidence(tmp_path: Path) -> None:
    broken = load_bundle(make_tiny_bundle(tmp_path / "engines" / "b", height=HEIGHT, width=WIDTH, broken="nan"))
    pipeline = Pipeline(broken, create_backend("onnxruntime", broken))
    result = pipeline.process(Frame(scene(0), 1))
    assert Reason.OUTPUT_INVALID in result.verdict.reasons
    assert result.verdict.failure_score == 1.0
    assert result.confidence.max() == 0
    assert not pipeline.self_test().passed


class Lying:
    """An engine that hides its non-finite logits behind full confidence."""

    name, precision, version = "lying", "fp32", "1"

    def __init__(self, output: EngineOutput) -> None:
        self.output = output

    def infer(self, image: np.ndarray) -> EngineOutput:
        return self.output

    def close(self) -> None:
        pass


def test_confidence_is_zero_whatever_the_engine_says(bundle: Bundle, pipeline: Pipeline) -> None:
    good = pipeline.backend.infer(scene(0))
    features = good.features.copy()
    features[0] = 1.0
    lying = Lying(replace(good, features=features, confidence=np.full_like(good.confidence, 255)))
    assert Pipeline(bundle, lying).process(Frame(scene(0), 1)).confidence.max() == 0


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Frame(np.zeros((HEIGHT, WIDTH), np.uint8), 1), Reason.BAD_DIMENSIONS),
        (Frame(np.zeros((HEIGHT, WIDTH, 4), np.uint8), 1), Reason.BAD_DIMENSIONS),
        (Frame(np.zeros((0, WIDTH, 3), np.uint8), 1), Reason.BAD_DIMENSIONS),
        (Frame(np.zeros((HEIGHT, WIDTH, 3), np.float32), 1), Reason.BAD_DIMENSIONS),  # type: ignore[arg-type]
        (Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 1, color_order="yuv"), Reason.BAD_ENCODING),
    ],
)
def test_frames_that_are_no_image(pipeline: Pipeline, frame: Frame, reason: Reason) -> None:
    with pytest.raises(FrameRejected) as caught:
        pipeline.process(frame)
    assert caught.value.reason == reason


def test_self_test_passes_and_does_not_count_as_a_frame(pipeline: Pipeline) -> None:
    image = scene(1)
    pipeline.process(Frame(image, 1))
    pipeline.process(Frame(image.copy(), 2))
    assert pipeline.self_test().passed
    assert Reason.FROZEN in pipeline.process(Frame(image.copy(), 3)).verdict.reasons


def test_self_test_during_a_drive_touches_no_disk(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path / "engines" / "t", height=HEIGHT, width=WIDTH)
    bundle = load_bundle(path)
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle))
    assert pipeline.self_test().passed
    (path / "golden.png").unlink()
    assert pipeline.self_test(warm_up=False).passed


def numbers_of(thing: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, holder, key) of every number and array that is reached from the attributes of `thing`."""
    items = enumerate(thing) if isinstance(thing, list | tuple) else vars(thing).items()
    for key, value in items:
        here = f"{path}/{key}"
        if isinstance(value, bool | str) or value is None:
            continue
        if isinstance(value, np.ndarray):
            yield here, value, None
        elif isinstance(value, int | float):
            yield here, thing, key
        elif isinstance(value, list | tuple) or (hasattr(value, "__dict__") and not callable(value)):
            yield from numbers_of(value, here)


def altered(holder: Any, key: Any) -> bool:
    """Change one number in memory by as little as it can change; False where it lies in a tuple or slice."""
    if isinstance(holder, np.ndarray):
        place = tuple(n // 2 for n in holder.shape)
        old = holder[place]
        holder[place] = np.nextafter(old, 9) if holder.dtype.kind == "f" else old ^ 1
        return True
    if isinstance(holder, tuple):
        return False
    old = holder[key] if isinstance(holder, list) else vars(holder)[key]
    new = old + 1 if isinstance(old, int) else float(np.nextafter(old, 9.0))
    if isinstance(holder, list):
        holder[key] = new
    else:
        vars(holder)[key] = new
    return True


def test_no_number_of_table_and_verdict_model_changes_unseen(bundle: Bundle) -> None:
    engine = create_backend("onnxruntime", bundle)
    pipeline = Pipeline(bundle, engine)
    paths = [path for path, _, _ in numbers_of(pipeline._judgement)]
    some = ("/_table/_coded", "/_table/_low", "/_judge/_model/failure_threshold", "/_judge/_ood/limit")
    assert {*some, "/_judge/_layers/0/0", "/_judge/_ood/_basis", "/_judge/_limits/share_max"} <= set(paths)
    tried = 0
    for wanted in paths:
        pipeline = Pipeline(bundle, engine)
        assert pipeline.judgement_problem() == ""
        _, holder, key = next(each for each in numbers_of(pipeline._judgement) if each[0] == wanted)
        if altered(holder, key):
            tried += 1
            result = pipeline.self_test(warm_up=False)
            assert not result.passed, wanted
            assert result.why, wanted
    assert tried > 40


@pytest.mark.parametrize(
    "alter",
    [
        lambda p: vars(p.config.health).update(dark_share=0.999),
        lambda p: vars(p.card.input).update(color_order="bgr"),
        lambda p: setattr(p._health, "config", HealthConfig(frozen_after=0)),
    ],
)
def test_settings_that_change_in_memory_fail_the_self_test(tmp_path: Path, alter: Any) -> None:
    bundle = load_bundle(make_tiny_bundle(tmp_path / "engines" / "t", height=HEIGHT, width=WIDTH))
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle))
    assert pipeline.self_test().passed
    alter(pipeline)
    result = pipeline.self_test(warm_up=False)
    assert "changed in memory" in result.why
    assert not result.passed


def test_a_self_test_says_what_the_golden_output_is_judged_to_be(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pipeline.self_test().passed
    pipeline._judgement._judge._layers[-1][1][0] -= 0.5
    why = pipeline.self_test(warm_up=False).why
    for name in ("predicted_miou", "miou_lower_bound"):
        assert f"{name} 0." in why
    # Code that does something else is noticed as well as numbers are.
    broken = Pipeline(pipeline.bundle, pipeline.backend)
    assert broken.self_test(warm_up=False).passed
    monkeypatch.setattr(ConfidenceTable, "apply", lambda self, code: code)
    assert "calibrated confidence differs" in broken.self_test(warm_up=False).why


def test_what_is_expected_of_table_and_verdict_model_is_read_and_hashed_anew(tmp_path: Path) -> None:
    path = make_tiny_bundle(tmp_path / "engines" / "t", height=HEIGHT, width=WIDTH)
    bundle = load_bundle(path)
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle))
    (path / "verdict.json").write_bytes((path / "verdict.json").read_bytes() + b" ")
    with pytest.raises(BundleError, match="altered"):
        pipeline.self_test()


def test_close(pipeline: Pipeline) -> None:
    pipeline.close()
    with pytest.raises(BackendError, match="is closed"):
        pipeline.process(Frame(scene(0), 1))


def test_input_is_checked_while_the_engine_works_and_also_when_it_fails(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine returns only once the checks have begun; the frame it fails on counts for the next one's checks."""
    begun, infer, check = threading.Event(), pipeline.backend.infer, InputHealth.check

    def checked(*arguments: Any) -> HealthReport:
        begun.set()
        return check(*arguments)

    def engine(image: UInt8Array) -> Any:
        assert begun.wait(WAIT_S)
        return infer(image)

    monkeypatch.setattr(InputHealth, "check", checked)
    monkeypatch.setattr(pipeline.backend, "infer", engine)
    assert pipeline.process(Frame(scene(0), 1)).health.figures["identical"] == 1.0

    def broken(image: UInt8Array) -> Any:
        raise BackendError("the engine is broken")

    monkeypatch.setattr(pipeline.backend, "infer", broken)
    with pytest.raises(BackendError, match="is broken"):
        pipeline.process(Frame(scene(0), 2))
    monkeypatch.setattr(pipeline.backend, "infer", infer)
    assert pipeline.process(Frame(scene(0), 3)).health.figures["identical"] == 3.0


@pytest.mark.parametrize("part", ["verdict", "calibration"])
def test_draft_is_refused(tmp_path: Path, part: str) -> None:
    path = make_tiny_bundle(tmp_path / "engines" / "draft", height=HEIGHT, width=WIDTH, **{part: False})
    draft = load_bundle(path, draft=True)
    with pytest.raises(BundleError, match=f"has no {part}|no confidence {part}"):
        Pipeline(draft, create_backend("onnxruntime", draft))


def test_any_number_of_classes(tmp_path: Path) -> None:
    """Nothing knows about eleven classes."""
    bundle = load_bundle(make_tiny_bundle(tmp_path / "engines" / "two", classes=["lane", "rest"], height=64, width=48))
    result = Pipeline(bundle, create_backend("onnxruntime", bundle)).process(Frame(scene(0, 60, 80), 1))
    assert result.labels.shape == (64, 48)
    assert set(np.unique(result.labels)) <= {0, 1}


class TestTemporalFilter:
    """`Pipeline.filtered`: mask and confidence alone, and only of frames that are good."""

    WEIGHT = 0.9

    @pytest.fixture
    def filtering(self, bundle: Bundle) -> Pipeline:
        config = PipelineConfig(temporal_filter=self.WEIGHT)
        return Pipeline(bundle, create_backend("onnxruntime", bundle), config=config)

    def frames(self, count: int) -> list[Frame]:
        """The same scene under other noise, 100 ms apart."""
        random, still = np.random.default_rng(0), scene(0).astype(int)
        noisy = (still + random.integers(-60, 61, still.shape) for _ in range(count))
        return [Frame(np.clip(n, 0, 255).astype(np.uint8), (i + 1) * 100_000_000) for i, n in enumerate(noisy)]

    def test_off_is_the_result_itself(self, pipeline: Pipeline) -> None:
        for frame in self.frames(2):
            result = pipeline.process(frame)
            assert pipeline.filtered(frame, result) is result
        pipeline.forget_past()

    def test_mask_and_confidence_are_the_filters_and_all_else_the_frames(self, filtering: Pipeline) -> None:
        by_hand = TemporalFilter(self.WEIGHT, USUAL_GAP_NS)
        held = 0
        for frame in self.frames(4):
            result = filtering.process(frame)
            assert result.verdict.frame_ok
            shown = filtering.filtered(frame, result)
            labels, confidence = by_hand.apply(result.labels, result.confidence, frame.stamp_ns, (HEIGHT, WIDTH))
            assert np.array_equal(shown.labels, labels)
            assert np.array_equal(shown.confidence, confidence)
            assert shown.verdict is result.verdict
            assert shown.features is result.features
            assert np.array_equal(filtering.mask(shown), labels)
            held += int((shown.labels != result.labels).sum())
        assert held > 0
        assert filtering.self_test().passed

    @pytest.mark.parametrize("how", ["a reason of the stream", "a bad frame", "an image that was rejected", "reset"])
    def test_what_is_not_good_is_shown_as_it_is_and_ends_the_past(self, filtering: Pipeline, how: str) -> None:
        first, second, third = self.frames(3)
        filtering.filtered(first, filtering.process(first))
        if how == "an image that was rejected":
            filtering.forget_past()
        elif how == "reset":
            filtering.reset()
        else:
            black = Frame(np.zeros_like(second.image), second.stamp_ns) if how == "a bad frame" else second
            result = filtering.process(black)
            reasons = Reason.NONE if how == "a bad frame" else Reason.MULTI_SOURCE
            assert filtering.filtered(black, result, reasons) is result
        result = filtering.process(third)
        assert np.array_equal(filtering.filtered(third, result).labels, result.labels)

    def test_a_table_that_memory_changed_is_found_by_the_self_test(self, filtering: Pipeline) -> None:
        assert filtering._filter is not None
        filtering._filter.left[200] += 1
        assert "changed in memory" in filtering.self_test().why

    def test_a_weight_out_of_range_is_refused(self, bundle: Bundle) -> None:
        with pytest.raises(InputError, match="temporal_filter"):
            Pipeline(bundle, create_backend("onnxruntime", bundle), config=PipelineConfig(temporal_filter=0.99))
