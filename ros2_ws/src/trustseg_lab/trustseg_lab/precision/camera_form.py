# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A bundle for one kind of camera: its images made smaller inside the graph, or several cameras in one call.

The network stays as it is, in every precision of the bundle, so what was fitted on it is carried over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import helper, numpy_helper

from trustseg.backends import load_golden
from trustseg.backends.tensorrt.lint import refuse_unportable
from trustseg.backends.tensorrt.trunk import constants_of
from trustseg.bundle.card import Card, Tolerances
from trustseg.bundle.loading import Bundle
from trustseg.bundle.writer import CARD_FILE, BundleEdit, check_tables, table_name
from trustseg.errors import BundleError, ParityError
from trustseg.imaging.resize import in_order, stretched
from trustseg.types import UInt8Array
from trustseg_lab.precision.add import carry_over, put_own_record, record_name, within
from trustseg_lab.precision.bundle_folder import UNTOUCHED, bundle_name, holds_no_bundle, is_free
from trustseg_lab.precision.golden_files import stored_outputs
from trustseg_lab.precision.network_images import refuse_camera_form
from trustseg_lab.precision.parity import (
    PrecisionLimits,
    PrecisionParity,
    beyond,
    compare,
    outputs_of,
    run_all,
    session,
)

IMAGE = "image"
# One grey level in the resize moves a label in 300 and confidence by 1.8 codes (0.08 of a logit), 2.3 in int8.
LIMITS = PrecisionLimits(0.995, 0.99, 3.0, 0.02)
Size = tuple[int, int]


@dataclass(frozen=True)
class CameraForm:
    """What the new graphs take: images of `camera` (height, width), None for the network's own size; how many."""

    camera: Size | None
    cameras: int


def in_form(model: onnx.ModelProto, size: Size, form: CameraForm) -> onnx.ModelProto:
    """A copy of `model`, whose input is one image of `size`, that takes images as `form` says.

    Images are made smaller as OpenCV's INTER_LINEAR does it: half-pixel centres, no filter, rounded to whole codes.

    Raises:
        ParityError: the graph has no tensor `image`, or does not bear several images.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    if form.camera is not None and form.camera != size:
        _resize_inside(graph, size)
    if form.cameras > 1:
        _several(made, form.cameras)
    height, width = form.camera or size
    image = next((each for each in graph.input if each.name == IMAGE), None)
    if image is None:
        raise ParityError("the graph has no input `image`", fix="export the bundle again from its checkpoint")
    image.CopyFrom(helper.make_tensor_value_info(IMAGE, onnx.TensorProto.UINT8, [form.cameras, height, width, 3]))
    for output in graph.output:
        output.type.tensor_type.shape.dim[0].dim_value = form.cameras
    del graph.value_info[:]
    try:
        onnx.checker.check_model(made, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ParityError("the graph does not bear this input", got=str(error).strip().splitlines()[0][:200]) from error
    return made


def _resize_inside(graph: onnx.GraphProto, size: Size) -> None:
    """Put transpose, resize, round, transpose behind every cast of the image to a float."""
    nodes: list[onnx.NodeProto] = []
    graph.initializer.append(numpy_helper.from_array(np.array([1, 3, *size], np.int64), "camera/sizes"))
    for node in graph.node:
        nodes.append(node)
        if IMAGE not in node.input:
            continue
        if node.op_type != "Cast":
            raise ParityError("the graph does not begin with a cast of its image", got=node.op_type)
        wanted, pre = node.output[0], f"camera/{node.output[0]}"
        node.output[0] = f"{pre}/whole"
        steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
            ("Transpose", [f"{pre}/whole"], f"{pre}/planes", {"perm": [0, 3, 1, 2]}),
            ("Resize", [f"{pre}/planes", "", "", "camera/sizes"], f"{pre}/small",
             {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}),
            ("Round", [f"{pre}/small"], f"{pre}/codes", {}),
            ("Transpose", [f"{pre}/codes"], wanted, {"perm": [0, 2, 3, 1]}),
        ]  # fmt: skip
        nodes += [
            helper.make_node(op, inputs, [out], name=f"{pre}/{number}", **more)
            for number, (op, inputs, out, more) in enumerate(steps)
        ]
    copies = [onnx.NodeProto() for _ in nodes]
    for copy, each in zip(copies, nodes, strict=True):
        copy.CopyFrom(each)
    del graph.node[:]
    graph.node.extend(copies)


def _several(model: onnx.ModelProto, count: int) -> None:
    """Shapes that are written into the graph: their leading 1, the one image, becomes `count`."""
    constants, graph = constants_of(model), model.graph
    of_images = {IMAGE}  # what depends on them: a constant that is reshaped stays one
    for node in graph.node:
        if not of_images.intersection(node.input):
            continue
        of_images.update(node.output)
        place = {"Reshape": 1, "Expand": 1, "Resize": 3}.get(node.op_type)
        if place is None or len(node.input) <= place or node.input[place] not in constants:
            continue
        if node.input[0] not in of_images:
            continue
        shape = constants[node.input[place]]
        if shape.size > 1 and shape[0] == 1:
            name = f"{node.input[place]}/{count}"
            if name not in {each.name for each in graph.initializer}:
                graph.initializer.append(numpy_helper.from_array(np.array([count, *shape[1:]], np.int64), name))
            node.input[place] = name


def run_in_form(model: bytes, images: Sequence[UInt8Array], form: CameraForm) -> list[tuple[Any, ...]]:
    """Outputs of each of `images` (camera size), several in a call as the graph takes them."""
    engine, found = session(model), []
    for start in range(0, len(images), form.cameras):
        chosen = [images[(start + k) % len(images)] for k in range(form.cameras)]
        outputs = engine.run(outputs_of(engine), {IMAGE: np.stack(chosen)})
        found += [tuple(each[k : k + 1] for each in outputs) for k in range(form.cameras)]
    return found[: len(images)]


def check_target(bundle: Bundle, out: Path) -> str:
    """Name of the bundle that `bundle` becomes in another form in the folder `out`: asked before anything is computed.

    Raises:
        BundleError: `bundle` is in such a form already, or `out` holds a bundle. InputError: `out` holds something
            else, or can give a bundle no name, or none whose tables are its own.
    """
    refuse_camera_form(bundle.card)
    if out.resolve() == bundle.path or (out / CARD_FILE).is_file():
        raise BundleError(f"{out} holds a bundle", fix=UNTOUCHED)
    if not is_free(out):
        raise holds_no_bundle(out)
    name = bundle_name(out)
    check_tables(out, record_name(name), *(table_name(name, precision) for precision in bundle.card.models))
    return name


def draft_until(card: Card, precision: str) -> str:
    """How a precision of this form that nothing was carried over to becomes finished, for people."""
    if card.input.cameras == 1:
        return f"a draft until `trustseg calibrate --bundle {card.name} --precision {precision}`"
    if card.input.camera is None:
        return "a draft: calibrate the bundle that it was made from, then export this form again"
    return "a draft, and stays one: a form for several cameras of another size cannot be calibrated"


def write_camera_form(
    bundle: Bundle, out: Path, form: CameraForm, images: Sequence[UInt8Array], step: Callable[[], None] = lambda: None
) -> tuple[Card, dict[str, PrecisionParity]]:
    """Write every precision of `bundle` in `form` as a bundle of its own in `out`.

    Args:
        images: camera images for the comparison, uint8 (H, W, 3) in the card's colour order, different from each other.
        step: called once a precision.

    Raises:
        BundleError, InputError: as `check_target`. InputError: a file cannot be written.
        ParityError: a graph does not bear the form or computes something else.
    """
    name_of_form = check_target(bundle, out)
    card, golden = bundle.card.model_dump(mode="json"), load_golden(bundle)
    small = [stretched(image, bundle.card.size) for image in images]
    graphs: dict[str, bytes] = {}
    parity: dict[str, PrecisionParity] = {}
    for precision in bundle.card.models:
        data = bundle.model_bytes(precision)
        made = in_form(onnx.load_from_string(data), bundle.card.size, form)
        refuse_unportable(made)
        graphs[precision] = bytes(made.SerializeToString())
        parity[precision] = compare(run_all(data, small), run_in_form(graphs[precision], images, form))
        problem = beyond(parity[precision], LIMITS)
        if problem:
            raise ParityError(
                f"the {precision} graph computes something else in this form", got=problem, fix="nothing was written"
            )
        step()
    camera = form.camera if form.camera != bundle.card.size else None
    card["name"] = name_of_form
    card["input"].update(
        camera={"height": camera[0], "width": camera[1]} if camera else None, cameras=form.cameras,
    )  # fmt: skip
    shape = [form.cameras, *(form.camera or bundle.card.size), 3]
    card["tensors"]["inputs"] = [{"name": IMAGE, "dtype": "uint8", "shape": shape}]
    for spec in card["tensors"]["outputs"]:
        spec["shape"][0] = form.cameras
    edit = BundleEdit(out)
    picture = golden.image if camera is None else stretched(golden.image, camera)
    png = edit.put("golden.png", _png(picture, bundle.card.input.color_order))
    card["golden"].update(image=png["file"], image_sha256=png["sha256"])
    tolerances = Tolerances.model_validate(card["golden"]["tolerances"])
    card.update(models={}, calibration={}, verdicts={}, verdict=None)
    for precision, data in graphs.items():
        name = "model.onnx" if precision == "fp32" else f"model_{precision}.onnx"
        expected = stored_outputs(run_in_form(data, [picture], form)[0])
        card["models"][precision] = {**edit.put(name, data), "size_bytes": len(data), "expected": None}
        if precision == "fp32":
            ref = edit.put("golden.npz", expected)
            card["golden"].update(expected=ref["file"], expected_sha256=ref["sha256"])
        else:
            own = bundle.tolerances(precision).model_dump()
            card["models"][precision]["expected"] = {**edit.put(f"golden_{precision}.npz", expected), "tolerances": own}
        verdict = bundle.card.verdict if precision == "fp32" else bundle.card.verdicts.get(precision)
        fitted = precision in bundle.card.calibration and verdict is not None
        if fitted and within(parity[precision], tolerances):
            because = "the same network behind another input"
            carry_over(bundle, precision, edit, card, precision, because, asdict(parity[precision]))
    put_own_record(bundle, edit, card)
    card["export"]["camera_form"] = {
        "of_card_sha256": bundle.card_sha256, "parity": {name: asdict(each) for name, each in parity.items()},
    }  # fmt: skip
    return edit.finish(card), parity


def _png(image: UInt8Array, color_order: str) -> bytes:
    done, png = cv2.imencode(".png", in_order(image, color_order, "bgr"))
    if not done:
        raise ParityError("the golden image cannot be encoded as PNG", got=f"{image.dtype} {image.shape}")
    return bytes(png.tobytes())
