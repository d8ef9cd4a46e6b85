# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fault-injecting backend: passes everything on until it is asked, then does what the fault says, and says so."""

from __future__ import annotations

import resource
from time import perf_counter

import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.backends import Backend, create_backend, golden_test
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import BackendError, BundleError, EngineLostError, InputError
from trustseg_ros.fault_hooks import faulty_backend as faults
from trustseg_ros.fault_hooks.altered_weights import altered_backend, flip_weights
from trustseg_ros.fault_hooks.faulty_backend import BACKEND_FAULTS, BRIEF, FaultSwitch, FaultyBackend

BOUNDS = derive_bounds(SECOND // 10, 40 * MS)
HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=HEIGHT, width=WIDTH))


@pytest.fixture
def begun() -> list[str]:
    return []


@pytest.fixture
def switch(begun: list[str]) -> FaultSwitch:
    return FaultSwitch(BOUNDS, lambda kind, at_ns: begun.append(kind))


@pytest.fixture
def real(bundle: Bundle) -> Backend:
    return create_backend("onnxruntime", bundle, "fp32", 1)


@pytest.fixture
def faulty(bundle: Bundle, real: Backend, switch: FaultSwitch) -> FaultyBackend:
    return FaultyBackend(real, switch, lambda: altered_backend(bundle, "onnxruntime", "fp32", 1))


@pytest.fixture
def picture() -> np.ndarray:
    return paint_scene(HEIGHT, WIDTH)


def test_without_a_fault_it_is_the_engine_under_a_name_that_tells(
    faulty: FaultyBackend, bundle: Bundle, picture: np.ndarray, begun: list[str]
) -> None:
    plain = create_backend("onnxruntime", bundle, "fp32", 1).infer(picture)
    wrapped = faulty.infer(picture)
    assert np.array_equal(plain.labels, wrapped.labels)
    assert np.array_equal(plain.features, wrapped.features)
    assert (faulty.name, faulty.precision, begun) == ("onnxruntime+faults", "fp32", [])
    assert golden_test(faulty, bundle, repeats=1).passed


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("backend_raises", BackendError),
        ("cuda_sticky", EngineLostError),
        ("exception", ZeroDivisionError),
        ("out_of_memory", MemoryError),
    ],
)
def test_brief_faults_befall_one_inference(
    faulty: FaultyBackend, switch: FaultSwitch, picture: np.ndarray, begun: list[str], kind: str, error: type
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    switch.set(kind)
    with pytest.raises(error):
        faulty.infer(picture)
    assert faulty.infer(picture).labels.shape == (HEIGHT, WIDTH)
    assert begun == [kind]
    assert resource.getrlimit(resource.RLIMIT_AS) == limits


@pytest.mark.parametrize(
    ("kind", "differs"),
    [
        ("nan_output", {"labels", "confidence", "features"}),
        ("one_class", {"labels"}),
        ("id_out_of_range", {"labels"}),
        ("confidence_collapsed", {"confidence"}),
        ("confidence_saturated", {"confidence"}),
        ("slow_engine", set()),
    ],
)
def test_lasting_faults_alter_what_they_say_until_they_end(
    faulty: FaultyBackend, real: Backend, switch: FaultSwitch, picture: np.ndarray, kind: str, differs: set[str]
) -> None:
    sound = real.infer(picture)
    switch.set(kind)
    for _ in range(2):
        altered = faulty.infer(picture)
        for name in ("labels", "confidence", "features"):
            same = np.array_equal(getattr(sound, name), getattr(altered, name))
            assert same is (name not in differs), name
    switch.set("")
    assert np.array_equal(faulty.infer(picture).labels, sound.labels)


def test_figures_of_altered_outputs(faulty: FaultyBackend, switch: FaultSwitch, picture: np.ndarray) -> None:
    switch.set("nan_output")
    assert faulty.infer(picture).features[0] == HEIGHT * WIDTH
    switch.set("one_class")
    assert set(np.unique(faulty.infer(picture).labels)) == {faults.ROAD}
    switch.set("id_out_of_range")
    assert faulty.infer(picture).labels.max() == faults.NO_CLASS


def test_a_flapping_backend_fails_every_other_time(
    faulty: FaultyBackend, switch: FaultSwitch, picture: np.ndarray
) -> None:
    switch.set("backend_flaps")
    failed = 0
    for _ in range(6):
        try:
            faulty.infer(picture)
        except BackendError:
            failed += 1
    assert failed == 3


@pytest.mark.parametrize(("kind", "waits_ms"), [("slow_engine", 44.0), ("gil_pause", 350.0)])
def test_slow_faults_take_as_long_as_the_bounds_ask(
    faulty: FaultyBackend, switch: FaultSwitch, picture: np.ndarray, kind: str, waits_ms: float
) -> None:
    # 1.1 times the budget of 40 ms; more than the 270 ms within which silence is seen (two periods, budget, tick, hop).
    switch.set(kind)
    started = perf_counter()
    faulty.infer(picture)
    assert (perf_counter() - started) * 1e3 >= waits_ms


def test_a_hanging_backend_does_not_come_back(
    faulty: FaultyBackend, switch: FaultSwitch, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(faults.time, "sleep", waited.append)
    switch.set("backend_hangs")
    faulty.infer(picture)
    assert waited == [3600.0]


def test_flipped_weights_run_and_the_golden_image_finds_them(
    faulty: FaultyBackend, switch: FaultSwitch, bundle: Bundle, picture: np.ndarray
) -> None:
    switch.set(faults.WEIGHTS)
    with pytest.raises(BackendError, match="no engine with altered weights"):
        faulty.infer(picture)
    faulty.prepare(faults.WEIGHTS)
    switch.set(faults.WEIGHTS)
    assert not golden_test(faulty, bundle, repeats=1).passed
    faulty.close()
    with pytest.raises(BackendError, match="closed"):
        faulty.infer(picture)


def test_bits_are_flipped_in_a_quantised_graph_too() -> None:
    import onnx
    from onnx import numpy_helper

    weights = np.arange(-60, 60, dtype=np.int8).reshape(1, 3, 5, 8)
    layers = [
        onnx.helper.make_node("DequantizeLinear", ["weight", "scale"], ["restored"]),
        onnx.helper.make_node("Conv", ["image", "restored"], ["out"]),
    ]
    given = [numpy_helper.from_array(weights, "weight"), numpy_helper.from_array(np.float32([0.1]), "scale")]
    model = onnx.helper.make_model(onnx.helper.make_graph(layers, "quantised", [], [], given)).SerializeToString()
    after = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(flip_weights(model)).graph.initializer}
    assert after["scale"] == np.float32(0.1)
    changed = after["weight"] != weights
    assert changed.sum() == 2  # 2 % of 120
    assert (after["weight"][changed].view(np.uint8) == weights[changed].view(np.uint8) ^ 0x80).all()


def test_bits_are_flipped_in_one_weight_of_the_graph(bundle: Bundle) -> None:
    import onnx
    from onnx import numpy_helper

    model = bundle.model_bytes()
    assert flip_weights(model, 1) == flip_weights(model, 1) != model
    pairs = [
        (numpy_helper.to_array(a), numpy_helper.to_array(b))
        for a, b in zip(
            onnx.load_from_string(model).graph.initializer,
            onnx.load_from_string(flip_weights(model)).graph.initializer,
        )
    ]
    changed = [(a, b) for a, b in pairs if not np.array_equal(a, b)]
    assert len(changed) == 1
    before, after = changed[0]
    assert np.array_equal(np.abs(before), np.abs(after))  # signs alone
    empty = onnx.helper.make_graph([], "empty", [], [])
    with pytest.raises(BundleError, match="no layer with float32 or int8 weights"):
        flip_weights(onnx.helper.make_model(empty).SerializeToString())


def test_unknown_faults_are_refused_and_every_known_one_is_listed(switch: FaultSwitch) -> None:
    with pytest.raises(InputError, match="no such fault"):
        switch.set("earthquake")
    assert set(BACKEND_FAULTS) >= BRIEF


@pytest.mark.parametrize("kind", sorted(BACKEND_FAULTS))
def test_the_beginning_is_told_once(kind: str, switch: FaultSwitch, begun: list[str]) -> None:
    switch.set(kind)
    taken = [switch.take()[0] for _ in range(3)]
    assert taken == ([kind, "", ""] if kind in BRIEF else [kind] * 3)
    assert begun == [kind]
