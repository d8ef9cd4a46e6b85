# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`input_geometry`, `region_of_interest`, `undistort` over real DDS: masks of raw pixels, and no guess beside them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo

from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from ros_probe import HEIGHT, WIDTH, Probe, Question, stamp_ns
from trustseg.backends import create_backend
from trustseg.bundle.loading import load_bundle
from trustseg.camera.geometry import confidence_at
from trustseg.camera.input_geometry import InputGeometry
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Outcome, Reason
from trustseg.types import Frame
from trustseg_ros.segmenter.input.camera_info import camera_model

pytestmark = pytest.mark.usefixtures("quick_starts")

FOCAL = 0.6 * WIDTH


def calibration(model: str = "plumb_bob", k1: float = -0.25) -> CameraInfo:
    info = CameraInfo(height=HEIGHT, width=WIDTH, distortion_model=model, d=[k1, 0.04, 0.001, -0.001, 0.0])
    info.header.frame_id = "front"
    info.k = np.array([FOCAL, 0, WIDTH / 2, 0, FOCAL, HEIGHT / 2, 0, 0, 1])
    info.p = np.array([FOCAL, 0, WIDTH / 2, 0, 0, FOCAL, HEIGHT / 2, 0, 0, 0, 1, 0])
    return info


def pixels(message: Any) -> np.ndarray:
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)


def answered(probe: Probe, image: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """Status, mask and confidence of an image."""
    status = probe.publish_and_wait(image)
    stamp = stamp_ns(status)

    def of_it(name: str) -> list[Any]:
        return [each for each in probe.pictures[name] if stamp_ns(each) == stamp]

    probe.until(lambda: of_it("mask") and of_it("confidence"), "mask and confidence")
    mask, confidence = pixels(of_it("mask")[-1]), pixels(of_it("confidence")[-1])
    assert status.mask_crc32 == zlib.crc32(mask.tobytes())
    return status, mask, confidence


def test_outside_of_the_region_is_void_and_the_camera_info_is_of_the_whole_mask(
    segmenter: Callable[..., Any], probe: Probe
) -> None:
    """Region 32,24 to 96,72 of 128 x 96, letterboxed; the mask is of the camera's size."""
    segmenter(input_geometry="letterbox", region_of_interest="32,24,64,48", output_size="camera")
    heard: list[CameraInfo] = []
    probe.node.create_subscription(CameraInfo, "trustseg/camera_info", heard.append, 5)
    info_out = probe.node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
    probe.connect_pictures()
    status, mask, confidence = answered(probe, probe.image())
    assert status.outcome == Outcome.PROCESSED
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[24:72, 32:96] = True
    assert np.array_equal(mask == 255, ~inside)
    assert not confidence[~inside].any()
    assert confidence[inside].mean() > 100
    assert len(np.unique(mask[inside])) > 1

    def publish() -> None:
        info_out.publish(calibration())
        probe.publish()

    probe.until(lambda: heard, "camera_info", every=publish)
    assert (heard[-1].width, heard[-1].height) == (WIDTH, HEIGHT)  # the network's size is the camera's here
    assert np.allclose(heard[-1].k, calibration().k)
    assert list(heard[-1].d) == list(calibration().d)


def test_without_a_calibration_that_can_be_used_no_frame_has_a_mask(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter(undistort=True, output_size="camera")
    info_out = probe.node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
    probe.connect()
    status = probe.publish_and_wait()
    assert (status.outcome, Reason(status.reasons)) == (Outcome.REJECTED, Reason.CAMERA_INFO)
    log = tmp_path / "segmenter.log"

    def said(line: str) -> bool:
        return line in log.read_text()

    def publish(info: CameraInfo) -> None:
        info_out.publish(info)
        probe.publish()

    def last() -> Any:
        return probe.statuses_of_frames()[-1]

    probe.until(lambda: said("the image cannot be undistorted, got no camera_info of it"), "its line")
    # The log tells of a change once a second.
    probe.until(lambda: said("frames are good again"), "a good frame", every=lambda: publish(calibration()))
    assert (last().outcome, last().reasons) == (Outcome.PROCESSED, 0)
    omni, line = calibration("omni"), "distortion model 'omni', expected plumb_bob or rational_polynomial"
    probe.until(lambda: said(line), "its line", every=lambda: publish(omni))
    assert (last().outcome, Reason(last().reasons)) == (Outcome.REJECTED, Reason.CAMERA_INFO)


def test_the_mask_of_a_rectified_view_is_in_raw_pixels(
    segmenter: Callable[..., Any], probe: Probe, bundle: Path
) -> None:
    """The same as the library's on the same image; the corners of the image are not in the view."""
    segmenter(undistort=True, input_geometry="crop", output_size="camera")
    info_out = probe.node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)

    def publish() -> None:
        info_out.publish(calibration())
        probe.publish()

    def has_a_mask() -> bool:
        processed = probe.statuses_of_frames()[-1].outcome == Outcome.PROCESSED
        return bool(processed) and all(probe.pictures.values())

    probe.connect()
    probe.until(has_a_mask, "a frame with its calibration", every=publish)
    probe.settle()
    image = probe.image()
    _, mask, confidence = answered(probe, image)
    loaded = load_bundle(bundle)
    geometry = InputGeometry("crop", undistort=True, camera=camera_model(calibration()))
    pipeline = Pipeline(
        loaded, create_backend("onnxruntime", loaded, threads=1), config=PipelineConfig(geometry=geometry)
    )
    result = pipeline.process(Frame(np.frombuffer(image.data, np.uint8).reshape(HEIGHT, WIDTH, 3), 1))
    assert np.array_equal(mask, pipeline.mask(result, (HEIGHT, WIDTH)))
    assert np.array_equal(confidence, confidence_at(result, (HEIGHT, WIDTH)))
    assert mask[0, 0] == mask[-1, -1] == 255
    assert mask[HEIGHT // 2, WIDTH // 2] != 255
    pipeline.close()


def test_it_cannot_change_while_a_bundle_is_loaded(segmenter: Callable[..., Any], probe: Probe) -> None:
    segmenter()
    probe.connect()
    client = probe.node.create_client(SetParameters, "trustseg/set_parameters")
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value="crop")
    asked = Question(client, SetParameters.Request(parameters=[Parameter(name="input_geometry", value=value)]))
    probe.until(asked.is_answered, "an answer")
    (result,) = asked.answer().results
    assert not result.successful
    assert "input_geometry cannot change while a bundle is loaded; clean the node up first" in result.reason


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (
            {"input_geometry": "pad"},
            "input_geometry, expected one of fit, stretch, crop, letterbox, got 'pad'",
        ),
        ({"region_of_interest": "0,0,8,8"}, "parameter region_of_interest, expected x,y,width,height in pixels"),
    ],
)
def test_what_is_wrong_ends_the_start_with_one_line(
    wrong: dict[str, str], line: str, segmenter: Callable[..., Any], tmp_path: Path
) -> None:
    assert segmenter(**wrong).wait(WAIT_S) == 2
    assert line in (tmp_path / "segmenter.log").read_text()


def test_a_region_outside_of_the_image_rejects_it(segmenter: Callable[..., Any], probe: Probe, tmp_path: Path) -> None:
    """Known when the first image comes: a smaller network than the camera, so that it is not that which tells."""
    segmenter(
        bundle=str(make_tiny_bundle(tmp_path / "engines" / "small", height=48, width=64)),
        region_of_interest=f"{WIDTH - 15},0,16,16",
    )
    probe.connect()
    status = probe.publish_and_wait()
    assert (status.outcome, Reason(status.reasons)) == (Outcome.REJECTED, Reason.BAD_DIMENSIONS)
    assert "the region of interest is not in the image" in (tmp_path / "segmenter.log").read_text()
