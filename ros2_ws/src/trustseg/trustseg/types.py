# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What passes between the stages of the pipeline: frozen, with shapes, dtypes and units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trustseg.reasons import Reason, Severity, severity_of

UInt8Array = npt.NDArray[np.uint8]
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """One decoded camera frame.

    Attributes:
        image: uint8 (H, W, 3), C-contiguous rows (a row stride is allowed), channel order `color_order`.
        stamp_ns: acquisition time, integer nanoseconds of the sender's clock.
        frame_id: coordinate frame of the camera, as received.
        color_order: "rgb" or "bgr".
    """

    image: UInt8Array
    stamp_ns: int
    frame_id: str = ""
    color_order: str = "rgb"


@dataclass(frozen=True)
class EngineOutput:
    """What one pass through the graph gives, at network size (h, w).

    Attributes:
        labels: uint8 (h, w), class id of each pixel.
        confidence: uint8 (h, w), the fixed monotone confidence code of the card (not yet a probability).
        features: float32 (K,), pooled in the graph, named by the card; `features[0]` counts non-finite logits.
        engine_ms: duration of the bare engine call, milliseconds.
        logits: float32 (C, h, w) of a backend that was made with `expose_logits`, else empty: the product never
            carries them to the host.
        unknown: uint8 (a, b) at the card's `unknown_size`, P(an object that no class describes) x 255; empty of a
            network without that plane.
    """

    labels: UInt8Array
    confidence: UInt8Array
    features: Float32Array
    engine_ms: float
    logits: Float32Array = field(default_factory=lambda: np.empty((0, 0, 0), np.float32))
    unknown: UInt8Array = field(default_factory=lambda: np.empty((0, 0), np.uint8))


@dataclass(frozen=True)
class HealthReport:
    """Input health of one frame: reasons found and the figures behind them (name -> value)."""

    reasons: Reason = Reason.NONE
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ConfidenceSummary:
    """Figures of one calibrated confidence map, shares and means in [0, 1].

    Attributes:
        mean: mean calibrated P(pixel right).
        low_share: share of pixels whose calibrated confidence is below the card's threshold.
        corridor_mean: `mean` within the drivable corridor.
        corridor_low_share: `low_share` within the drivable corridor.
        flat_share: share of the commonest single code: 1 when the map is constant.
    """

    mean: float
    low_share: float
    corridor_mean: float
    corridor_low_share: float
    flat_share: float


@dataclass(frozen=True)
class FrameVerdict:
    """Evidence about one frame, without any memory of earlier ones except input health's.

    Attributes:
        reasons: why the frame is not good; NONE when it is.
        failure_score: P(quality < 0.5), in [0, 1].
        threshold: the score from which on LOW_QUALITY is set.
        predicted_miou: predicted image quality Q in [0, 1] (mean IoU over classes covering at least 1 %).
        miou_lower_bound: conformal lower bound of Q with the coverage that the card states.
        mean_confidence: mean calibrated P(pixel right), in [0, 1].
        low_confidence_share: share of pixels whose calibrated confidence is below the card's threshold.
        corridor_mean_confidence: `mean_confidence` within the drivable corridor.
        corridor_low_confidence_share: `low_confidence_share` within the drivable corridor.
        coverage: share of pixels at or above the confidence threshold.
        ood_score: distance of the deepest features from those of good frames; NaN when the bundle has no such model.
        recovery_threshold: the score below which a degraded stream counts as good again (T_low of the verdict model).
        unknown_score: how strange the strangest place of the corridor is, as the bundle's limit takes it; NaN where the
            bundle tells no unknown objects.
        corridor_unknown_share: share of the corridor that unknown objects cover; NaN there too.
        least_severity: at least this, whatever the reasons say.
    """

    reasons: Reason
    failure_score: float
    threshold: float
    predicted_miou: float
    miou_lower_bound: float
    mean_confidence: float
    low_confidence_share: float
    coverage: float
    corridor_mean_confidence: float
    corridor_low_confidence_share: float
    recovery_threshold: float = 0.0
    ood_score: float = float("nan")
    unknown_score: float = float("nan")
    corridor_unknown_share: float = float("nan")
    least_severity: Severity = Severity.GOOD

    @property
    def strangeness(self) -> float:
        """Old name of `ood_score`."""
        return self.ood_score

    @property
    def severity(self) -> Severity:
        """Worst severity of the reasons, and not below `least_severity`."""
        return max(self.least_severity, severity_of(self.reasons))

    @property
    def frame_ok(self) -> bool:
        """True when no reason is set."""
        return not self.reasons


@dataclass(frozen=True)
class CodePlace:
    """Where the network's confidence codes belong in the camera's image, where that is not simply stretched.

    Attributes:
        seen: uint8 (h, w) of the network's input, non-zero where it shows the camera's image and no padding.
        view: uint8 (h, w), the codes over the camera's whole image. view_seen: non-zero where they are the network's.
        corridor: uint8 (a, b) of the unknown plane, non-zero where the network shows the camera's corridor; empty of a
            network without that plane.
    """

    seen: UInt8Array
    view: UInt8Array
    view_seen: UInt8Array
    corridor: UInt8Array = field(default_factory=lambda: np.empty((0, 0), np.uint8))


class CameraPlace(Protocol):
    """The way from the network's pixels back to the camera's: a `trustseg.camera.geometry.Geometry`."""

    def to_camera(self, values: UInt8Array, size: tuple[int, int], outside: int) -> UInt8Array:
        """A map of the network over the camera's whole image at `size`; `outside` where the network saw nothing."""
        ...

    def seen_at(self, size: tuple[int, int]) -> UInt8Array:
        """uint8 of `size` over the camera's whole image: non-zero where the network saw something."""
        ...


@dataclass(frozen=True)
class NetworkMaps:
    """Maps in the network's own pixels, of an image that was not simply stretched: uint8 (h, w), and their place."""

    labels: UInt8Array
    confidence: UInt8Array
    place: CameraPlace


@dataclass(frozen=True)
class PerceptionResult:
    """Result of `Pipeline.process` for one frame.

    Attributes:
        labels: uint8 (h, w) class ids at network size, over the camera's whole image; 255 where the network saw none
            of it.
        confidence: uint8 (h, w), calibrated P(pixel right) x 255; 0 where it saw nothing.
        features: float32 (K,) of the graph.
        verdict: evidence about this frame.
        health: input health of this frame.
        engine_ms: bare engine call, milliseconds.
        pipeline_ms: whole `process` call, milliseconds.
        unknown: uint8 (a, b), P(an object that no class describes) x 255 at the card's `unknown_size`; empty of a
            network without that plane.
        network: the maps in the network's own pixels; None where the camera's image was simply stretched, so that these
            are they.
    """

    labels: UInt8Array
    confidence: UInt8Array
    features: Float32Array
    verdict: FrameVerdict
    health: HealthReport
    engine_ms: float
    pipeline_ms: float
    unknown: UInt8Array = field(default_factory=lambda: np.empty((0, 0), np.uint8))
    network: NetworkMaps | None = None
