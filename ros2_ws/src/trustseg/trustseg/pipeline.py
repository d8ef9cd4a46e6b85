# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The data path: `Pipeline.process(frame) -> PerceptionResult`, called by the node and by evaluation alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from trustseg.backends import AUTO, Backend, GoldenCase, GoldenResult, golden_test, load_golden, select_backend
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.fingerprint import fingerprint
from trustseg.bundle.loading import Bundle, load_bundle
from trustseg.camera.geometry import UNSEEN_CONFIDENCE, UNSEEN_LABEL, UNSEEN_UNKNOWN, Places, labels_at, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.errors import BundleError, FrameRejected
from trustseg.imaging.resize import nearest
from trustseg.input_health import HealthConfig, InputHealth
from trustseg.judgement import Judgement, JudgementProof, golden_proof
from trustseg.reasons import Reason
from trustseg.segments import Segment
from trustseg.selective_risk import Promise
from trustseg.temporal_filter import USUAL_GAP_NS, TemporalFilter
from trustseg.types import CameraPlace, Frame, NetworkMaps, PerceptionResult, UInt8Array


@dataclass(frozen=True)
class PipelineConfig:
    """Settings of the pipeline; everything about the network is the bundle's.

    Attributes:
        health: thresholds of the input checks.
        one_class_share: share of the image above which a single class is implausible, 0..1; None: the bundle's.
        promise: what `Pipeline.mask` is asked for; by default it keeps every pixel.
        temporal_filter: weight of the past in `Pipeline.filtered`, above 0 and at most 0.95; 0: no filter.
        temporal_gap_ns: longest time between the stamps of two frames that have a past in common.
        geometry: which part of the image the network sees, and how; by default all of it, fitted.
    """

    health: HealthConfig = field(default_factory=HealthConfig)
    one_class_share: float | None = None
    promise: Promise = field(default_factory=Promise)
    temporal_filter: float = 0.0
    temporal_gap_ns: int = USUAL_GAP_NS
    geometry: InputGeometry = field(default_factory=InputGeometry)


class Pipeline:
    """One camera's path through one backend. Not thread-safe: one frame at a time.

    Args:
        bundle: finished bundle (verdict model and calibration of the backend's precision).
        backend: loaded engine of the same bundle.
        config: settings.
        beside: a pipeline of another bundle that takes the same images of the same camera, by turns with this one:
            what is known of earlier images is then known to both, and so are the maps of the geometry.

    Raises:
        BundleError: verdict model or calibration is missing, altered or of another model, or no confidence holds
            what is promised; or `beside` takes other images.
        InputError: the temporal filter's weight is out of range.
    """

    def __init__(
        self, bundle: Bundle, backend: Backend, *, config: PipelineConfig | None = None, beside: Pipeline | None = None
    ) -> None:
        if bundle.card.input.cameras > 1:
            raise BundleError(
                f"bundle {bundle.card.name} takes {bundle.card.input.cameras} cameras in one call",
                expected="a bundle for one camera", fix="run one node a camera with the bundle it was made from",
            )  # fmt: skip
        self.bundle, self.backend = bundle, backend
        self.config = config or PipelineConfig()
        check_geometry(bundle, self.config.geometry)
        if beside is None:
            self._places = Places(self.config.geometry, bundle.card.image_size)
            self._health = InputHealth(self.config.health)
        else:
            self._check_images(beside)
            self._places, self._health = beside._places, beside._health
        card, precision = bundle.card, backend.precision
        self.card = card
        self.model_sha256 = bundle.model(precision).sha256
        self.calibration_sha256 = bundle.calibration_sha256(precision)
        self._judgement = Judgement(bundle, precision, self.config.one_class_share)
        self.selection = self._judgement.selection(self.config.promise)
        weight = self.config.temporal_filter
        self._filter = TemporalFilter(weight, self.config.temporal_gap_ns) if weight else None
        self._past_place: CameraPlace | None = None
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="input health")
        self._settings = self._settings_now()
        self._golden: tuple[GoldenCase, JudgementProof] | None = None

    def _check_images(self, beside: Pipeline) -> None:
        """BundleError unless both see the same of each image, and judge its health alike."""
        own, other = ((each.bundle.card.input, each.config.geometry, each.config.health) for each in (self, beside))
        if own != other:
            raise BundleError(
                f"bundle {self.bundle.card.name} beside {beside.bundle.card.name}",
                expected="the same images and checks", got="others", fix="give each a pipeline of its own",
            )  # fmt: skip

    def process(self, frame: Frame, camera: CameraModel | None = None) -> PerceptionResult:
        """Segment one frame and judge it.

        Args:
            frame: of the camera.
            camera: its calibration, where images are undistorted; None takes that of the settings.

        Raises:
            FrameRejected: the image is not uint8 (H, W, 3), its channel order is unknown, its stamp is no integer, the
                region of interest is not in it, or it cannot be undistorted.
            BackendError: the engine failed.
        """
        started = perf_counter()
        image = _checked(frame)
        reduced = self.network_image(image, frame.color_order, camera)
        place = self._places.of(image, camera)
        # Beside the engine, which leaves this processor alone where it runs on another one. Padding and regions are
        # nothing to the input's health: that is looked for in all of the image.
        whole = place is None and self.card.input.camera is None
        beside = self._beside.submit(self._health.check, image, frame.stamp_ns, reduced if whole else None)
        try:
            output = self.backend.infer(reduced)
        finally:
            health = beside.result()
        codes = None
        if place is not None:
            codes = place.code_place(output.confidence, self.card.size, self._judgement.corridor)
        verdict, confidence = self._judgement.judge(output, health, codes)
        # Of an output that is not valid nothing is known to be a thing that has a class.
        invalid = verdict.reasons & Reason.OUTPUT_INVALID
        unknown = np.full_like(output.unknown, 255) if invalid else output.unknown
        if place is not None and unknown.size:
            unknown = place.to_camera(unknown, (unknown.shape[0], unknown.shape[1]), UNSEEN_UNKNOWN)
        result = PerceptionResult(
            labels=output.labels,
            confidence=confidence,
            features=output.features,
            verdict=verdict,
            health=health,
            engine_ms=output.engine_ms,
            pipeline_ms=(perf_counter() - started) * 1e3,
            unknown=unknown,
        )
        if place is None:
            return result
        result = self._in_camera(result, NetworkMaps(output.labels, confidence, place))
        return replace(result, pipeline_ms=(perf_counter() - started) * 1e3)

    def _in_camera(self, result: PerceptionResult, network: NetworkMaps) -> PerceptionResult:
        """`result` with these maps of the network, over the camera's whole image."""
        labels = network.place.to_camera(network.labels, self.card.size, UNSEEN_LABEL)
        confidence = network.place.to_camera(network.confidence, self.card.size, UNSEEN_CONFIDENCE)
        return replace(result, labels=labels, confidence=confidence, network=network)

    def filtered(self, frame: Frame, result: PerceptionResult, reasons: Reason = Reason.NONE) -> PerceptionResult:
        """`result` with mask and confidence as the temporal filter shows them; all else is the frame's own.

        Call it once for each processed frame, in their order. Without a filter the result itself comes back, and so it
        does of a frame that is not good, which also ends the past.

        Args:
            frame, result: what was processed and what came of it. reasons: found beside those of the verdict.
        """
        if self._filter is None:
            return result
        if reasons | result.verdict.reasons:
            self._filter.forget()
            return result
        size, network = (frame.image.shape[0], frame.image.shape[1]), result.network
        if network is None:
            labels, confidence = self._filter.apply(result.labels, result.confidence, frame.stamp_ns, size)
            return replace(result, labels=labels, confidence=confidence)
        if network.place is not self._past_place:
            self._past_place = network.place
            self._filter.forget()  # its pixels are others
        labels, confidence = self._filter.apply(network.labels, network.confidence, frame.stamp_ns, size)
        return self._in_camera(result, NetworkMaps(labels, confidence, network.place))

    def forget_past(self) -> None:
        """Let the temporal filter begin anew: an image could not be judged. Any thread may call it."""
        if self._filter is not None:
            self._filter.forget()

    def mask(self, result: PerceptionResult, size: tuple[int, int] | None = None) -> UInt8Array:
        """The mask of a processed frame as it is published, uint8 (h, w) or of `size` (height, width), over the
        camera's whole image: its labels, 255 (unlabelled) where the network saw nothing, and with a promise where the
        confidence is below the threshold for it."""
        if self.selection is None:
            return result.labels if size is None else labels_at(result, size)
        if size is None or result.network is None:
            kept = self.selection.kept(result.labels, result.confidence)
            return kept if size is None else nearest(kept, size)
        network = result.network
        return network.place.to_camera(self.selection.kept(network.labels, network.confidence), size, UNSEEN_LABEL)

    def segments(self, result: PerceptionResult) -> list[Segment]:
        """Objects in the mask of a processed frame (cars, pedestrians ...), each with its predicted IoU.

        The classes are those of the bundle's model of segments; without one the foreground classes of its card, and
        the predicted IoU is NaN.
        """
        return self._judgement.segments(result.labels, result.confidence, result.verdict)

    @property
    def predicts_segments(self) -> bool:
        """Whether the bundle's calibration has a model of segments."""
        return self._judgement.predicts_segments

    def network_image(
        self, image: UInt8Array, color_order: str = "rgb", camera: CameraModel | None = None
    ) -> UInt8Array:
        """What the engine takes: uint8 (h, w, 3) in the card's channel order, with INTER_LINEAR, as the settings'
        geometry says.

        Raises:
            FrameRejected: the graph makes images of one camera smaller itself, and this one is of another size; or the
                geometry does not fit the image, see `process`.
        """
        height, width = self.card.image_size
        if image.shape[:2] != (height, width) and self.card.input.camera is not None:
            raise FrameRejected(
                Reason.BAD_DIMENSIONS, f"bundle {self.card.name} is for a camera of one size",
                expected=f"{height}x{width}", got=f"{image.shape[0]}x{image.shape[1]}",
            )  # fmt: skip
        return shown(*self._places.picture(image, camera), color_order, self.card.input.color_order)

    def prepare(self, camera: CameraModel) -> None:
        """Make all that undistorting this camera's images takes, before the first of them; from any thread.

        Raises:
            FrameRejected: the region of interest is not in its image.
        """
        self._places.prepare(camera)

    def self_test(self, *, repeats: int = 1, warm_up: bool = True, backend: Backend | None = None) -> GoldenResult:
        """Run the golden image through the backend and compare, then its output through table and verdict model.

        The golden case and what is expected of it are read and hash-checked once: no test of a drive touches a disk.

        Args:
            repeats: number of timed calls.
            warm_up: make an untimed call first.
            backend: another backend of the same precision, tested instead.

        Raises:
            BundleError: the bundle's files are altered or do not fit each other.
            BackendError: the backend failed while running.
        """
        case, _ = self._expected()
        result = golden_test(backend or self.backend, self.bundle, repeats=repeats, warm_up=warm_up, case=case)
        problem = self.judgement_problem()
        if problem:
            result = replace(result, passed=False, why="; ".join(filter(None, (result.why, problem))))
        return result

    def judgement_problem(self) -> str:
        """What of table, verdict model and settings in memory is not what the bundle's files give; empty: nothing."""
        case, expected = self._expected()
        if self._settings_now() != self._settings:
            return "the bundle's card or the thresholds of the input checks have changed in memory"
        return self._judgement.proof(case).problem(expected)

    def _expected(self) -> tuple[GoldenCase, JudgementProof]:
        """The golden case and what becomes of it, by a judgement made for this alone of the files as they are now."""
        if self._golden is None:
            precision = self.backend.precision
            expected = golden_proof(self.bundle, precision, self.config.one_class_share)
            self._golden = (load_golden(self.bundle, precision), expected)
        return self._golden

    def _settings_now(self) -> str:
        kept = None if self._filter is None else self._filter.left
        return fingerprint((self.card, self.config, self._health.config, self.selection, kept))

    def reset(self) -> None:
        """Forget earlier frames (a new stream begins)."""
        self._health.reset()
        self.forget_past()

    def close(self) -> None:
        """Release the backend; the idle thread of the input checks ends with this object."""
        self.backend.close()


def load(
    bundle: str | Path = DEFAULT_BUNDLE, *, backend: str = AUTO, precision: str = "fp32", threads: int = 2,
    geometry: InputGeometry | None = None,
) -> Pipeline:  # fmt: skip
    """A pipeline that is ready for the images of one camera: bundle checked, engine loaded and admitted.

    Args:
        bundle: name of a bundle, or its folder.
        backend: inference library, or several with commas: the first that reproduces the golden image; `auto`: the
            fastest that does.
        precision: graph of the bundle to load.
        threads: number of threads of the inference library.
        geometry: which part of the image the network sees, and how; None: all of it, fitted to the network's input.

    Raises:
        BundleError: the bundle is not found, altered or unfinished.
        BackendError: no library is installed that runs it.
        SelfTestError: no library reproduces the golden image.
    """
    loaded = load_bundle(bundle)
    config = PipelineConfig(geometry=geometry or InputGeometry())
    return Pipeline(loaded, select_backend(backend, loaded, precision, threads), config=config)


def check_geometry(bundle: Bundle, geometry: InputGeometry) -> None:
    """BundleError where the graph makes its camera's images smaller itself, and `geometry` asks for another way."""
    if bundle.card.input.camera is not None and not geometry.is_plain:
        raise BundleError(
            f"the graph of bundle {bundle.card.name} stretches its camera's images itself",
            expected="input geometry fit or stretch, of the whole image", got=geometry.describe(),
            fix="run the bundle that it was made from",
        )  # fmt: skip


def _checked(frame: Frame) -> UInt8Array:
    image = frame.image
    if not isinstance(image, np.ndarray):  # cv2.imread gives None for a file that it cannot read
        raise FrameRejected(
            Reason.BAD_DIMENSIONS, "frame is wrong", expected="uint8 (H, W, 3)", got=type(image).__name__,
            fix="check the file that the image was read from",
        )  # fmt: skip
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise FrameRejected(
            Reason.BAD_DIMENSIONS, "frame is wrong", expected="uint8 (H, W, 3)", got=f"{image.dtype} {image.shape}"
        )
    if not isinstance(frame.stamp_ns, int | np.integer):
        raise FrameRejected(
            Reason.STAMP_INVALID, "stamp is wrong", expected="integer nanoseconds", got=repr(frame.stamp_ns)[:40]
        )
    if frame.color_order not in ("rgb", "bgr"):
        raise FrameRejected(
            Reason.BAD_ENCODING, "channel order is wrong", expected="rgb or bgr", got=repr(frame.color_order)
        )
    return image
