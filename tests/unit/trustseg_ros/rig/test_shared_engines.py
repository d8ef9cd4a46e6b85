# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One engine for several cameras: loaded once, proved for each, released with the last, and its faults seen by all."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from patience import WAIT_S
from trustseg.backends import Backend, select_backend
from trustseg.bounds import derive_bounds
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.errors import BackendError, BundleError, SelfTestError
from trustseg.types import EngineOutput, UInt8Array
from trustseg_ros.rig.shared_engines import SharedEngines
from trustseg_ros.rig.turns import Turns
from trustseg_ros.segmenter.supervisor import EXIT_HUNG, Supervisor

HEIGHT, WIDTH = 48, 64
ASKED = ("fp32", 1, 0.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=HEIGHT, width=WIDTH))


class Engine:
    """A real engine that can be told to hang, to fail, or to answer wrongly."""

    def __init__(self, inner: Backend) -> None:
        self.inner, self.name, self.precision, self.version = inner, inner.name, inner.precision, inner.version
        self.calls = self.closed = 0
        self.fault = ""
        self.entered, self.free = threading.Event(), threading.Event()

    def infer(self, image: UInt8Array) -> EngineOutput:
        self.calls += 1
        if self.fault == "hang":
            self.entered.set()
            assert self.free.wait(WAIT_S)
        if self.fault == "raise":
            raise BackendError("the device is gone")
        output = self.inner.infer(image)
        if self.fault == "wrong":
            output.labels[:] = 0
        return output

    def close(self) -> None:
        self.closed += 1
        self.inner.close()


class Stand:
    """Shared engines of two cameras that note what is loaded."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle, self.loaded, self.asked = bundle, list[Engine](), list[tuple[Any, ...]]()
        self.turns = Turns(("front", "rear"))
        self.engines = SharedEngines(self.turns, self._load)
        self.image = paint_scene(HEIGHT, WIDTH)

    def _load(self, *asked: Any) -> Backend:
        self.asked.append(asked)
        self.loaded.append(Engine(select_backend(*asked)))
        return self.loaded[-1]

    def handle(self, camera: str, name: str = "onnxruntime") -> Backend:
        return self.engines.of(camera)(name, self.bundle, *ASKED)


@pytest.fixture
def stand(bundle: Bundle) -> Stand:
    return Stand(bundle)


def test_two_cameras_load_one_engine_and_get_what_it_says(stand: Stand) -> None:
    front, rear = stand.handle("front"), stand.handle("rear")
    (engine,) = stand.loaded
    assert (front.name, front.precision, front.version) == (engine.name, engine.precision, engine.version)
    expected = engine.inner.infer(stand.image)
    for handle in (front, rear):
        found = handle.infer(stand.image)
        assert np.array_equal(found.labels, expected.labels)
        assert np.array_equal(found.confidence, expected.confidence)


def test_another_request_is_another_engine(stand: Stand) -> None:
    first = stand.handle("front")
    second = stand.engines.of("rear")("onnxruntime", stand.bundle, "fp32", 2, 75.0)
    assert [asked[2:] for asked in stand.asked] == [ASKED, ("fp32", 2, 75.0)]
    first.close()
    assert [engine.closed for engine in stand.loaded] == [1, 0]
    second.infer(stand.image)


def test_the_same_card_in_another_folder_is_another_engine(stand: Stand, tmp_path: Path) -> None:
    stand.handle("front")
    shutil.copytree(stand.bundle.path, tmp_path / "tiny")
    stand.bundle = load_bundle(tmp_path / "tiny")
    stand.handle("rear")
    assert len(stand.loaded) == 2


def test_a_camera_that_comes_later_has_the_engine_proved_again(stand: Stand) -> None:
    stand.handle("front")
    (engine,) = stand.loaded
    before = engine.calls
    stand.handle("rear")
    assert engine.calls == before + 1
    engine.fault = "wrong"
    with pytest.raises(SelfTestError, match=r"^bundle tiny fails the golden test, got onnxruntime: mask agreement"):
        stand.handle("rear")
    engine.fault = "raise"
    with pytest.raises(BackendError, match="the device is gone"):
        stand.handle("rear")


def test_an_engine_goes_with_its_last_handle_and_is_loaded_anew(stand: Stand) -> None:
    front, rear = stand.handle("front"), stand.handle("rear")
    (engine,) = stand.loaded
    front.close()
    front.close()
    assert engine.closed == 0
    with pytest.raises(BackendError) as refused:
        front.infer(stand.image)
    assert str(refused.value) == "backend onnxruntime of camera front is closed; create it again"
    rear.infer(stand.image)
    rear.close()
    assert engine.closed == 1
    stand.handle("front").infer(stand.image)
    assert len(stand.loaded) == 2


def test_a_handle_that_was_refused_holds_nothing(stand: Stand) -> None:
    front = stand.handle("front")
    (engine,) = stand.loaded
    for fault, error in (("wrong", SelfTestError), ("raise", BackendError)):
        engine.fault = fault
        with pytest.raises(error):
            stand.handle("rear")
    front.close()
    assert engine.closed == 1


def test_two_cameras_that_begin_together_load_once(stand: Stand) -> None:
    handles: list[Backend] = []
    both = [threading.Thread(target=lambda c=c: handles.append(stand.handle(c))) for c in ("front", "rear")]
    for each in both:
        each.start()
    for each in both:
        each.join(WAIT_S)
    assert len(handles) == 2
    assert len(stand.loaded) == 1


def test_a_handle_is_closed_while_another_camera_loads(bundle: Bundle) -> None:
    """Between two frames a spare is given back: loading takes seconds, and the frame's supervisor would end it all."""
    stand, begun, go_on = Stand(bundle), threading.Event(), threading.Event()
    front, rear = stand.handle("front"), stand.handle("rear")

    def load_slowly(*asked: Any) -> Backend:
        begun.set()
        assert go_on.wait(WAIT_S)
        return stand._load(*asked)

    stand.engines._select_backend = load_slowly
    loading = threading.Thread(target=lambda: stand.engines.of("front")("onnxruntime", bundle, "fp32", 2, 0.0))
    loading.start()
    assert begun.wait(WAIT_S)
    rear.close()
    front.close()
    assert stand.loaded[0].closed == 1
    go_on.set()
    loading.join(WAIT_S)
    assert not loading.is_alive()


def test_a_hang_of_the_engine_is_seen_by_the_supervisor_of_each_camera_that_has_a_frame(stand: Stand) -> None:
    handles = {name: stand.handle(name) for name in ("front", "rear")}
    (engine,) = stand.loaded
    engine.fault = "hang"
    bounds = derive_bounds(33_000_000, 50_000_000)
    now, ended = [0], dict[str, int]()

    def supervisor(name: str) -> Supervisor:
        def end(status: int) -> None:
            ended[name] = status

        return Supervisor(bounds, lambda: None, clock_ns=lambda: now[0], end_process=end)

    supervisors = {name: supervisor(name) for name in handles}
    watching = {name: threading.Event() for name in handles}

    def frame(name: str) -> None:
        with supervisors[name].watch("the backend"):
            watching[name].set()
            handles[name].infer(stand.image)

    threads = [threading.Thread(target=frame, args=(name,)) for name in handles]
    threads[0].start()
    assert engine.entered.wait(WAIT_S)
    threads[1].start()
    assert watching["rear"].wait(WAIT_S)
    now[0] = bounds.backend_hang_ns + 1
    for each in supervisors.values():
        each.check()
    assert ended == {"front": EXIT_HUNG, "rear": EXIT_HUNG}
    engine.fault = ""
    engine.free.set()
    for each in threads:
        each.join(WAIT_S)
        assert not each.is_alive()


def test_a_failure_of_the_engine_is_the_failure_of_whose_frame_it_was(stand: Stand) -> None:
    front, rear = stand.handle("front"), stand.handle("rear")
    (engine,) = stand.loaded
    engine.fault = "raise"
    for handle in (front, rear):
        with pytest.raises(BackendError, match="the device is gone"):
            handle.infer(stand.image)
    engine.fault = ""
    rear.infer(stand.image)


def test_an_altered_bundle_is_refused_for_every_camera(tmp_path: Path) -> None:
    folder = make_tiny_bundle(tmp_path / "tiny", height=HEIGHT, width=WIDTH)
    stand = Stand(load_bundle(folder))
    model = folder / stand.bundle.model("fp32").file
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    for camera in ("front", "rear"):
        with pytest.raises(BundleError):
            stand.handle(camera)
    assert stand.loaded == []
