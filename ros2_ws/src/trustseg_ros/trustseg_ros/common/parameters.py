# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every parameter of every node: one frozen dataclass a node; docs/parameters.md is written from it, YAML held to it.

A field's metadata is its descriptor. `load` declares all of them and gives the configuration; a key that no field
has, a wrong type or a value out of range is a `ParameterError` with one clear line. `watch` lets the live ones change:
a bad value is refused and the old one stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from trustseg.backend_registry import CHOICE, backend_order
from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.camera.input_geometry import FIT, GEOMETRIES, InputGeometry, region_of
from trustseg.errors import TrustSegError
from trustseg.reasons import Mode

MODES = {mode.name.lower(): mode for mode in Mode}
# Parameters that rclpy itself declares on a node.
QOS_OVERRIDES = "qos_overrides."
ROS_OWN = ("use_sim_time", "start_type_description_service")


class ParameterError(TrustSegError):
    """A parameter given at start cannot be used."""


def parameter(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    rule: Callable[[Any], object] | None = None,
    wanted: str = "",
    live: bool = False,
    idle: bool = False,
) -> Any:
    """One parameter as a dataclass field, read-only while the node runs unless it is `live` or `idle`.

    Args:
        default: its type is the parameter's.
        description: for people, with the unit.
        minimum, maximum: of a number. choices: of a text.
        rule: raises a TrustSegError for a value of the right type that is wrong; `wanted` says in words what is right.
        live: may be set at any time.
        idle: may be set while the node is unconfigured, for the next configure.
    """
    return field(
        default=default,
        metadata={
            "description": description,
            "minimum": minimum,
            "maximum": maximum,
            "choices": choices,
            "rule": rule,
            "wanted": wanted,
            "live": live,
            "idle": idle,
        },
    )


SLOWEST_HZ = 0.5  # of any camera: every bound of silence grows with the period


@dataclass(frozen=True)
class Timing:
    """What every bound derives from; equal in segmenter and monitor."""

    camera_rate_hz: float = parameter(30.0, "rate of the camera, Hz", minimum=SLOWEST_HZ, maximum=240.0)
    camera_rate_min_hz: float = parameter(
        0.0, "slowest rate of a camera whose rate varies, Hz; 0: it has one rate", minimum=0.0, maximum=240.0
    )
    latency_budget_ms: float = parameter(
        50.0, "longest usual time from receipt of an image to its status, ms", minimum=1.0, maximum=5000.0
    )

    @property
    def bounds(self) -> Bounds:
        """Every time bound that follows.

        Raises:
            ParameterError: the slowest rate is above the rate, or so slow that silence would be no failure for minutes.
        """
        if self.camera_rate_min_hz and not SLOWEST_HZ <= self.camera_rate_min_hz <= self.camera_rate_hz:
            raise ParameterError(
                "parameter camera_rate_min_hz",
                expected=f"from {SLOWEST_HZ:g} to camera_rate_hz ({self.camera_rate_hz:g}), or 0",
                got=f"{self.camera_rate_min_hz:g}",
            )  # fmt: skip
        slowest_hz = self.camera_rate_min_hz or self.camera_rate_hz
        return derive_bounds(
            round(SECOND / self.camera_rate_hz), round(self.latency_budget_ms * MS), round(SECOND / slowest_hz)
        )


@dataclass(frozen=True)
class SegmenterConfig(Timing):
    """Parameters of the segmentation node `trustseg`."""

    bundle: str = parameter(DEFAULT_BUNDLE, "bundle to run: its name or the path of its folder", idle=True)
    light_bundle: str = parameter(
        "", "bundle that serves while there is no time for `bundle`: its name or the path of its folder; empty: none",
        idle=True,
    )  # fmt: skip
    backend: str = parameter(
        "auto", "inference library, or several with commas: the first that is admitted; auto: the fastest that is",
        rule=backend_order, wanted=CHOICE, idle=True,
    )  # fmt: skip
    precision: str = parameter("fp32", "precision of the graph to load, one that the bundle has", idle=True)
    threads: int = parameter(2, "threads of the inference library", minimum=1, maximum=64, idle=True)
    engine_budget_ms: float = parameter(
        0.0, "longest engine call that is admitted at the start, ms; 0: any time", minimum=0.0, maximum=10e3, idle=True
    )
    self_test_period_s: float = parameter(
        60.0,
        "time between two golden-image tests while driving, s; without room one takes the place of a frame; 0: none",
        minimum=0.0, maximum=86400.0,
    )  # fmt: skip
    require_camera_info: bool = parameter(
        False, "frames need a camera_info of their size and frame_id, at most a second (below 10 Hz: ten periods) old"
    )
    mode: str = parameter("live", "where stamps come from: live compares them with the clock", choices=tuple(MODES))
    image_transport: str = parameter("raw", "type of the image topic", choices=("raw", "compressed"))
    output_size: str = parameter(
        "network", "size of mask and confidence; camera: enlarged to the image's", choices=("network", "camera"),
        live=True,
    )  # fmt: skip
    input_geometry: str = parameter(
        FIT, "how the image becomes the network's input; crop and letterbox keep its aspect", choices=GEOMETRIES,
        idle=True,
    )  # fmt: skip
    region_of_interest: str = parameter(
        "", "part of the image that the network sees: x,y,width,height in pixels; empty: all of it",
        rule=region_of, wanted="x,y,width,height in pixels, at least 16 wide and high, or nothing", idle=True,
    )  # fmt: skip
    undistort: bool = parameter(
        False, "show the network the rectified view of camera_info, which frames need then", idle=True
    )
    selective_risk: float = parameter(
        0.0,
        "largest share of wrong pixels among those that the mask keeps, the others are 255; 0: it keeps all",
        minimum=0.0,
        maximum=0.5,
        idle=True,
    )
    missed_errors: float = parameter(
        0.0,
        "largest expected share of an image's wrong pixels that the mask keeps, the others are 255; 0: it keeps all",
        minimum=0.0,
        maximum=0.9,
        idle=True,
    )
    temporal_filter: float = parameter(
        0.0, "weight of earlier frames in mask and confidence, where a frame is unsure; 0: each frame for itself",
        minimum=0.0, maximum=0.95, idle=True,
    )  # fmt: skip
    allow_resolution_change: bool = parameter(
        False, "accept images of another size or encoding than the first one", live=True
    )
    max_pixels: int = parameter(33_554_432, "largest image that is decoded, pixels", minimum=1, maximum=268_435_456)
    autostart: bool = parameter(False, "configure and activate at start, without a lifecycle manager")
    overlay_opacity: float = parameter(
        0.5, "weight of the class colours in the overlay", minimum=0.0, maximum=1.0, live=True
    )
    diagnostics_period_s: float = parameter(1.0, "period of /diagnostics, s", minimum=0.1, maximum=60.0)
    fault_injection: bool = parameter(False, "let backends fail when `fault` asks for it; shows in every status")
    fault: str = parameter("", "fault of the backend from now on, with fault_injection; empty: none", live=True)

    @property
    def geometry(self) -> InputGeometry:
        """Which part of the image the network sees, and how."""
        return InputGeometry(self.input_geometry, region_of(self.region_of_interest), self.undistort)


@dataclass(frozen=True)
class MonitorConfig(Timing):
    """Parameters of the failure monitor `trustseg_monitor`."""

    good_frames: int = parameter(10, "good frames in a row before the flag goes down", minimum=1, maximum=1000)
    soft_count: int = parameter(2, "soft frames within soft_window that are believed", minimum=1, maximum=100)
    soft_window: int = parameter(3, "newest frames that soft_count looks at", minimum=1, maximum=100)
    soft_share: float = parameter(
        0.2, "share of soft frames within about a second that is believed", minimum=0.01, maximum=1.0
    )
    dwell_ms: float = parameter(
        500.0, "shortest stay in FAILED after its last bad frame, ms", minimum=0.0, maximum=60e3
    )
    degraded_is_failure: bool = parameter(
        True, "whether DEGRADED raises the flag; lowered while driving it holds from the next time on", live=True
    )
    backend_failures: int = parameter(3, "backend failures within backend_window_s that latch", minimum=1, maximum=100)
    backend_window_s: float = parameter(10.0, "window of backend_failures, s", minimum=0.1, maximum=3600.0)
    restart_limit: int = parameter(3, "restarts within restart_window_s that latch", minimum=1, maximum=100)
    restart_window_s: float = parameter(60.0, "window of restart_limit, s", minimum=0.1, maximum=3600.0)
    latch_file: str = parameter(
        "",
        "file that keeps latched reasons over a restart of the monitor; "
        "empty: one below $TRUSTSEG_STATE, else in the run-time directory",
    )
    diagnostics_period_s: float = parameter(1.0, "period of /diagnostics, s", minimum=0.1, maximum=60.0)


@dataclass(frozen=True)
class CameraConfig:
    """Parameters of the camera process `camera`."""

    source: str = parameter("", "video, bag, folder of images or rendered drive to publish")
    topic: str = parameter("", "image topic of a bag; empty: the only one there is")
    rate_hz: float = parameter(10.0, "frames per second", minimum=0.1, maximum=240.0)
    frame_id: str = parameter("camera_optical", "frame_id of the header")
    width: int = parameter(0, "width of the published image, pixels; 0: the source's", minimum=0, maximum=16384)
    height: int = parameter(0, "height of the published image, pixels; 0: the source's", minimum=0, maximum=16384)
    image_transport: str = parameter("raw", "type of the image topic", choices=("raw", "compressed"))
    start_frame: int = parameter(0, "frame of the source to begin with", minimum=0)
    max_frames: int = parameter(0, "frames after which the camera ends; 0: all of the source", minimum=0)
    loop: bool = parameter(False, "begin again when the source ends")
    schedule: str = parameter("", "JSON file with faults: [{kind: freeze|stop, start_s, end_s}]")
    log: str = parameter("", "JSON-lines file: one line a frame with index, stamp_ns, sent, source_index")
    wait_for_subscribers: int = parameter(1, "subscriptions of the image topic to wait for", minimum=0, maximum=64)
    start_file: str = parameter("", "begin when this file exists; empty: at once")


@dataclass(frozen=True)
class RecorderConfig:
    """Parameters of the recorder `recorder`."""

    output: str = parameter("", "folder to write; must not exist")
    image_transport: str = parameter("raw", "type of the image topic", choices=("raw", "compressed"))
    max_megabytes: float = parameter(200.0, "size at which images are left out, MB", minimum=1.0, maximum=1e6)
    jpeg_quality: int = parameter(85, "quality of the camera's JPEG images", minimum=1, maximum=100)
    bag_version: int = parameter(9, "metadata version of the bag; 8 for Humble", minimum=8, maximum=9)


class Parameters(Protocol):
    """Any dataclass made of `parameter` fields."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


ConfigT = TypeVar("ConfigT", bound=Parameters)


def load(node: Node, kind: type[ConfigT], taken: frozenset[str] = frozenset()) -> ConfigT:
    """Declare every field of `kind` on `node` and read the values given at start.

    `taken`: names of parameters that something else of this node has declared.

    Raises:
        ParameterError: unknown key, wrong type, value out of range or not among the choices.
    """
    fields = dataclasses.fields(kind)
    # rclpy offers no public view of what was given at start but not declared (Humble to Kilted).
    given: dict[str, Parameter] = node._parameter_overrides
    names = {f.name for f in fields}
    for name in sorted(set(given) - names - set(ROS_OWN) - taken):
        if name.startswith(QOS_OVERRIDES):
            raise ParameterError(f"parameter {name}", fix="leave it out: this node's quality of service is fixed")
        raise ParameterError(f"unknown parameter {name!r}", expected="one of " + ", ".join(sorted(names)))
    values = {}
    for each in fields:
        override = given.get(each.name)
        if override is not None and isinstance(each.default, float) and override.type_ == Parameter.Type.INTEGER:
            # `rate:=10` on a command line means 10.0.
            given[each.name] = Parameter(each.name, Parameter.Type.DOUBLE, float(override.value))
        try:
            values[each.name] = node.declare_parameter(each.name, each.default, _descriptor(each)).value
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            got = override.value if override is not None else each.default
            raise ParameterError(f"parameter {each.name}", expected=_expected(each), got=repr(got)) from error
    for each in fields:
        problem = _problem(each, values[each.name])
        if problem:
            raise ParameterError(f"parameter {each.name}", expected=_expected(each), got=repr(values[each.name]))
    return kind(**values)


def watch(node: Node, config: ConfigT, changed: Callable[[ConfigT], None]) -> None:
    """Accept live changes: `changed` gets the new configuration; a bad value is refused, the old one stays.

    `changed` may refuse what only the node knows to be wrong, by a TrustSegError: an `idle` one while it is configured.
    """
    current = [config]

    def decide(parameters: list[Parameter]) -> SetParametersResult:
        fields = {f.name: f for f in dataclasses.fields(current[0])}
        changes = {}
        for each in parameters:
            if each.name in ROS_OWN:
                continue
            spec = fields.get(each.name)
            if spec is None:
                return SetParametersResult(successful=False, reason=f"unknown parameter {each.name!r}")
            if not (spec.metadata["live"] or spec.metadata["idle"]):
                return SetParametersResult(
                    successful=False, reason=f"{each.name} is fixed while the node runs; restart it with the new value"
                )
            if _problem(spec, each.value):
                reason = f"{each.name}: expected {_expected(spec)}, got {each.value!r}; {current_text(spec)} stays"
                return SetParametersResult(successful=False, reason=reason)
            changes[each.name] = each.value
        if changes:
            wanted = dataclasses.replace(current[0], **changes)
            try:
                changed(wanted)
            except TrustSegError as error:
                return SetParametersResult(successful=False, reason=str(error))
            current[0] = wanted
        return SetParametersResult(successful=True)

    def current_text(spec: dataclasses.Field[Any]) -> str:
        return repr(getattr(current[0], spec.name))

    node.add_on_set_parameters_callback(decide)


def idle_changes(before: Parameters, after: Parameters) -> list[str]:
    """Names of the `idle` parameters in which the two differ."""
    idle = (each.name for each in dataclasses.fields(before) if each.metadata["idle"])
    return [name for name in idle if getattr(before, name) != getattr(after, name)]


def _descriptor(spec: dataclasses.Field[Any]) -> ParameterDescriptor:
    data = spec.metadata
    text = data["description"] + (f" ({', '.join(data['choices'])})" if data["choices"] else "")
    descriptor = ParameterDescriptor(name=spec.name, description=text, read_only=not (data["live"] or data["idle"]))
    if data["minimum"] is not None:
        if isinstance(spec.default, float):
            maximum = float("inf") if data["maximum"] is None else float(data["maximum"])
            limits = FloatingPointRange(from_value=float(data["minimum"]), to_value=maximum, step=0.0)
            descriptor.floating_point_range = [limits]
        else:
            maximum = 2**63 - 1 if data["maximum"] is None else int(data["maximum"])
            descriptor.integer_range = [IntegerRange(from_value=int(data["minimum"]), to_value=maximum, step=1)]
    return descriptor


def _problem(spec: dataclasses.Field[Any], value: Any) -> bool:
    data = spec.metadata
    if type(value) is not type(spec.default):
        return True
    if data["rule"] is not None:
        try:
            data["rule"](value)
        except TrustSegError:
            return True
    if data["choices"]:
        return value not in data["choices"]
    # NaN fails both comparisons.
    too_low = data["minimum"] is not None and not value >= data["minimum"]
    return too_low or (data["maximum"] is not None and not value <= data["maximum"])


def _expected(spec: dataclasses.Field[Any]) -> str:
    data = spec.metadata
    if data["wanted"]:
        return str(data["wanted"])
    if data["choices"]:
        return "one of " + ", ".join(data["choices"])
    kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[type(spec.default)]
    if data["minimum"] is None:
        return kind
    if data["maximum"] is None:
        return f"{kind} of at least {data['minimum']:g}"
    return f"{kind} from {data['minimum']:g} to {data['maximum']:g}"
