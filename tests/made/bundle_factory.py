# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A tiny but complete bundle, made in a second: a real graph that follows the bundle contract, for tests and demos.

The network is a nearest-colour classifier (one 1x1 convolution), so its masks mean something on images painted in
`PALETTE`. Everything else (confidence, pooled features, calibration, verdict, golden output) is computed, not faked.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist")
PALETTE = (
    (190, 205, 225), (150, 120, 100), (170, 170, 160), (85, 85, 90), (125, 115, 120), (60, 95, 50),
    (200, 60, 50), (110, 80, 60), (40, 60, 140), (200, 150, 120), (20, 140, 130),
)  # fmt: skip
FOREGROUND = {"car", "pedestrian", "bicyclist"}
CODE_MIN, CODE_MAX = -3.0, 9.0
CORRIDOR = [[0.38, 0.55], [0.62, 0.55], [0.95, 1.0], [0.05, 1.0]]
FEATURES = (
    "nonfinite_logits", "confidence_mean", "mcp_mean", "entropy_mean", "margin_mean", "low_confidence_share",
    "class_balanced_confidence", "worst_patch_confidence", "edge_density", "luma_mean", "luma_std", "sharpness",
    "saturation_mean", "nonboundary_confidence", "corridor_confidence",
)  # fmt: skip
EMBEDDING = 4
UNKNOWN_FEATURES = ("unknown/corridor_share", "unknown/corridor_most")
PAIR_FEATURES = ("agreement_iou",)
ALL_CHANNELS, RED_AND_BLUE = (1.0, 1.0, 1.0), (1.0, 0.0, 1.0)  # what of a colour a network sees
UNKNOWN_LIMIT = 4.0  # logit of a place that is as far from every class as from its grain never is
MAGENTA = (250, 0, 250)  # of no class


def palette(count: int) -> list[tuple[int, int, int]]:
    """`count` well separated colours; the first eleven are those of `CLASSES`."""
    more = np.random.default_rng(7).integers(0, 256, (max(0, count - len(PALETTE)), 3))
    return [*PALETTE, *(tuple(int(v) for v in row) for row in more)][:count]


def feature_names(classes: Sequence[str], unknown: bool = False, pair: bool = False) -> list[str]:
    """Names of the pooled features, in the order of the contract."""
    per_class = [f"{kind}/{name}" for kind in ("class_share", "class_confidence") for name in classes]
    return [
        *FEATURES,
        *per_class,
        *(f"embedding/{i}" for i in range(EMBEDDING)),
        *(PAIR_FEATURES if pair else ()),
        *(UNKNOWN_FEATURES if unknown else ()),
    ]


def paint_scene(height: int, width: int, colors: Sequence[tuple[int, int, int]] = PALETTE, seed: int = 0) -> np.ndarray:
    """uint8 RGB (height, width, 3): sky, buildings, trees and a road with grain, in the classes' colours."""
    rng = np.random.default_rng(seed)
    image = np.empty((height, width, 3), np.uint8)
    horizon = int(height * 0.5)
    image[:horizon], image[horizon:] = colors[0], colors[min(3, len(colors) - 1)]
    for _ in range(12):
        x, w = int(rng.integers(0, width)), int(rng.integers(max(2, width // 20), max(3, width // 5)))
        y = int(horizon - rng.integers(0, max(1, height // 3)))
        color = colors[int(rng.integers(1, len(colors)))]
        cv2.rectangle(image, (x, y), (x + w, min(height - 1, horizon + height // 12)), color, -1)
    noise = rng.normal(0.0, 6.0, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def true_ids(image: np.ndarray) -> np.ndarray:
    """Class ids uint8 (H, W) of such a scene, uint8 RGB (H, W, 3): those of the nearest colours of `PALETTE`."""
    distance = ((image[:, :, None].astype(int) - np.array(PALETTE)) ** 2).sum(-1)
    return distance.argmin(-1).astype(np.uint8)


def _nearest(points: np.ndarray, sharpness: float, channels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Weights (C, 3) and bias (C,) by which the nearest of the colours `points` (C, 3) gets the largest logit."""
    weighed = points * np.asarray(channels, np.float32)
    return 2 * sharpness * weighed, -sharpness * (weighed * points).sum(1)


class _Graph:
    """Small writer of ONNX nodes: every call appends one node and returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def const(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def __call__(self, op: str, *inputs: str, name: str = "", outputs: int = 1, **attributes: Any) -> Any:
        base = name or f"{op.lower()}_{len(self.nodes)}"
        names = [base] if outputs == 1 else [f"{base}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def mean(self, value: str) -> str:
        return self("ReduceMean", value, keepdims=0)

    def total(self, value: str) -> str:
        return self("ReduceSum", value, keepdims=0)

    def ratio(self, top: str, bottom: str) -> str:
        return self("Div", top, self("Add", bottom, self.const(1e-6)))


def build_graph(
    height: int, width: int, colors: Sequence[tuple[int, int, int]], *, sharpness: float = 40.0, broken: str = "",
    unknown: bool = False, pair: bool = False, channels: Sequence[float] = ALL_CHANNELS,
) -> onnx.ModelProto:  # fmt: skip
    """The graph of the contract; `broken` "nan" puts a NaN into the classifier's weights; `unknown` adds a plane that
    says how far a colour is from those of all classes; `pair` a second classifier, of `RED_AND_BLUE`, whose mask is
    compared with the first; `channels` weigh the colours' distance."""
    g = _Graph()
    count = len(colors)
    x = g("Div", g("Cast", "image", to=TensorProto.FLOAT), g.const(255.0))
    x = g("Transpose", x, perm=[0, 3, 1, 2])  # (1, 3, h, w)
    step = 4 if height % 4 == 0 and width % 4 == 0 and min(height, width) >= 48 else 1
    if step > 1:
        x = g("AveragePool", x, kernel_shape=[step, step], strides=[step, step])
    full_height, full_width = height, width
    height, width = height // step, width // step
    points = np.asarray(colors, np.float32) / 255.0
    weight, bias = _nearest(points, sharpness, channels)
    if broken == "nan":
        weight = weight.copy()
        weight[count - 1, 0] = np.nan
    logits = g("Conv", x, g.const(weight[:, :, None, None]), g.const(bias), name="logits_small")
    odd = g("Cast", g("Or", g("IsNaN", logits), g("IsInf", logits)), to=TensorProto.FLOAT)
    odd_pixel = g("ReduceMax", odd, axes=[1], keepdims=1)
    labels = g("ArgMax", logits, axis=1, keepdims=0)

    def enlarge(value: str, name: str = "") -> str:
        scales = g.const([1, 1, step, step])
        return str(g("Resize", value, "", scales, name=name, mode="nearest", nearest_mode="floor",
                     coordinate_transformation_mode="asymmetric"))  # fmt: skip

    enlarge(logits, name="logits")  # computed only when evaluation asks for it
    big = g("Squeeze", enlarge(g("Cast", g("Unsqueeze", labels, g.const([1], np.int64)), to=TensorProto.FLOAT)),
            g.const([1], np.int64))  # fmt: skip
    g("Cast", big, to=TensorProto.UINT8, name="labels")

    prob = g("Softmax", logits, axis=1)
    mcp = g("ReduceMax", prob, axes=[1], keepdims=1)
    clipped = g("Clip", mcp, g.const(1e-6), g.const(1 - 1e-6))
    logit = g("Sub", g("Log", clipped), g("Log", g("Sub", g.const(1.0), clipped)))
    logit = g("Clip", logit, g.const(CODE_MIN), g.const(CODE_MAX))
    code = g("Mul", g("Sub", logit, g.const(CODE_MIN)), g.const(255.0 / (CODE_MAX - CODE_MIN)))
    code = g("Where", g("Greater", odd_pixel, g.const(0.5)), g.const(0.0), g("Round", code))
    code = g("Squeeze", enlarge(code), g.const([1], np.int64))
    g("Cast", code, to=TensorProto.UINT8, name="confidence")

    confidence = g("Sigmoid", logit)  # (1, 1, h, w)
    entropy = g("Neg", g("ReduceSum", g("Mul", prob, g("Log", g("Add", prob, g.const(1e-9)))), g.const([1], np.int64)))
    classes = g.const(np.arange(count).reshape(1, count, 1, 1), np.int64)
    onehot = g("Cast", g("Equal", g("Unsqueeze", labels, g.const([1], np.int64)), classes), to=TensorProto.FLOAT)
    second = g("ReduceMax", g("Mul", prob, g("Sub", g.const(1.0), onehot)), axes=[1], keepdims=1)
    share = g("ReduceMean", onehot, axes=[0, 2, 3], keepdims=0)  # (C,)
    in_class = g("ReduceMean", g("Mul", onehot, confidence), axes=[0, 2, 3], keepdims=0)
    class_confidence = g("Div", in_class, g("Add", share, g.const(1e-6)))
    present = g("Cast", g("Greater", share, g.const(0.01)), to=TensorProto.FLOAT)
    patch = [max(1, height // 6), max(1, width // 6)]
    patches = g("AveragePool", confidence, kernel_shape=patch, strides=patch)
    one = g.const([1], np.int64)
    left = g("Slice", onehot, g.const([0], np.int64), g.const([width - 1], np.int64), g.const([3], np.int64), one)
    right = g("Slice", onehot, one, g.const([width], np.int64), g.const([3], np.int64), one)
    same = g("ReduceSum", g("Mul", left, right), g.const([1], np.int64))  # (1, 1, h, w - 1)
    inner = g("Slice", confidence, one, g.const([width], np.int64), g.const([3], np.int64), one)
    luma = g("Conv", x, g.const(np.array([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)))
    luma_mean = g.mean(luma)
    variance = g("Sub", g.mean(g("Mul", luma, luma)), g("Mul", luma_mean, luma_mean))
    gradient = g("Conv", luma, g.const(np.array([[[[-1.0, 1.0]]]])))
    spread = g("Sub", g("ReduceMax", x, axes=[1]), g("ReduceMin", x, axes=[1]))
    polygon = (np.array(CORRIDOR) * (width - 1, height - 1)).round().astype(np.int32)
    corridor = g.const(cv2.fillPoly(np.zeros((height, width), np.uint8), [polygon], 1).astype(np.float32))
    mix = np.random.default_rng(3).normal(0, 1, (EMBEDDING, 3, 1, 1))
    embedding = g("ReduceMean", g("Relu", g("Conv", x, g.const(mix))), axes=[0, 2, 3], keepdims=0)

    low = g("Cast", g("Less", confidence, g.const(0.5)), to=TensorProto.FLOAT)
    scalars = [
        g.total(odd), g.mean(confidence), g.mean(mcp), g("Div", g.mean(entropy), g.const(np.log(count))),
        g.mean(g("Sub", mcp, second)), g.mean(low),
        g.ratio(g.total(g("Mul", class_confidence, present)), g.total(present)),
        g("ReduceMin", patches, keepdims=0), g("Sub", g.const(1.0), g.mean(same)), luma_mean,
        g("Sqrt", g("Max", variance, g.const(0.0))), g.mean(g("Abs", gradient)), g.mean(spread),
        g.ratio(g.total(g("Mul", same, inner)), g.total(same)),
        g.ratio(g.total(g("Mul", confidence, corridor)), g.total(corridor)),
    ]  # fmt: skip
    shape = g.const([1], np.int64)
    parts = [*(g("Reshape", s, shape) for s in scalars), share, class_confidence, embedding]
    if pair:
        weight, bias = _nearest(points, sharpness, RED_AND_BLUE)
        second = g("Conv", x, g.const(weight[:, :, None, None]), g.const(bias))
        other = g("Equal", g("ArgMax", second, axis=1, keepdims=1), classes)
        other = g("Cast", other, to=TensorProto.FLOAT)
        both = g("ReduceMean", g("Mul", onehot, other), axes=[0, 2, 3], keepdims=0)
        other_share = g("ReduceMean", other, axes=[0, 2, 3], keepdims=0)
        union = g("Sub", g("Add", share, other_share), both)
        iou = g("Div", both, g("Max", union, g.const(1e-6)))
        seen = g("Cast", g("Greater", g("Max", share, other_share), g.const(0.01)), to=TensorProto.FLOAT)
        parts.append(g("Reshape", g.ratio(g.total(g("Mul", iou, seen)), g.total(seen)), shape))
    if unknown:
        # Squared distance to the nearest class: |x|^2 - max(2 x p - |p|^2), which the logits are times `sharpness`.
        square = g("ReduceSum", g("Mul", x, x), g.const([1], np.int64))
        nearest = g("Div", g("ReduceMax", logits, axes=[1], keepdims=1), g.const(sharpness))
        plane = g("Sub", g("Mul", g("Sub", square, nearest), g.const(40.0)), g.const(3.0))  # (1, 1, h, w)
        score = g("Round", g("Mul", g("Sigmoid", plane), g.const(255.0)))
        g("Cast", g("Squeeze", score, g.const([1], np.int64)), to=TensorProto.UINT8, name="unknown")
        within = g("Sub", plane, g("Mul", g("Sub", g.const(1.0), corridor), g.const(1000.0)))
        strange = g("Cast", g("Greater", within, g.const(UNKNOWN_LIMIT)), to=TensorProto.FLOAT)
        figures = (
            g.ratio(g.total(strange), g.total(corridor)),
            g("Min", g("ReduceMax", within, keepdims=0), g.const(20.0)),
        )
        parts += [g("Reshape", each, shape) for each in figures]
    g("Unsqueeze", g("Concat", *parts, axis=0), g.const([0], np.int64), name="features")

    size = len(feature_names([str(i) for i in range(count)], unknown, pair))
    more = [helper.make_tensor_value_info("unknown", TensorProto.UINT8, [1, height, width])] if unknown else []
    graph = helper.make_graph(
        g.nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, full_height, full_width, 3])],
        [
            helper.make_tensor_value_info("labels", TensorProto.UINT8, [1, full_height, full_width]),
            helper.make_tensor_value_info("confidence", TensorProto.UINT8, [1, full_height, full_width]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, size]),
            *more,
        ],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def make_tiny_bundle(
    path: str | Path,
    classes: Sequence[str] = CLASSES,
    height: int = 72,
    width: int = 96,
    *,
    broken: str = "",
    verdict: bool = True,
    calibration: bool = True,
    unknown: bool = False,
    pair: bool = False,
    channels: Sequence[float] = ALL_CHANNELS,
) -> Path:
    """Write a complete bundle into the folder `path` and return it.

    The calibration goes to `calibration/<name>/fp32.json` beside the folder's parent when that is called `engines`,
    else beside the folder itself: both are where `Bundle.calibration_path` looks.

    Args:
        path: new folder; its last part is the bundle's name.
        classes: class names in id order. height, width: network input, pixels.
        broken: "nan" puts a NaN into the weights (the golden output is made by the sound graph).
        verdict, calibration: False leaves that file out of the card (a draft).
        unknown: the graph has a plane of unknown objects, and the verdict a limit for it.
        pair, channels: as in `build_graph`.
    """
    path = Path(path)
    path.mkdir(parents=True)
    colors = palette(len(classes))
    names = feature_names(classes, unknown, pair)
    how: dict[str, Any] = {"unknown": unknown, "pair": pair, "channels": channels}
    sound = build_graph(height, width, colors, **how).SerializeToString()
    model = build_graph(height, width, colors, broken=broken, **how).SerializeToString() if broken else sound
    golden = paint_scene(height, width, colors)
    session = onnxruntime.InferenceSession(sound, providers=["CPUExecutionProvider"])
    given = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"image": golden[None]}), strict=True))
    features, stored = given["features"], io.BytesIO()
    np.savez_compressed(stored, **{name: value[0] for name, value in given.items()})
    files = {
        "model.onnx": model,
        "golden.png": cv2.imencode(".png", golden[..., ::-1])[1].tobytes(),
        "golden.npz": stored.getvalue(),
    }
    digest = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    if verdict:
        files["verdict.json"] = _verdict(names, features[0], digest["model.onnx"])
        digest["verdict.json"] = hashlib.sha256(files["verdict.json"]).hexdigest()
    for name, data in files.items():
        (path / name).write_bytes(data)

    table = 1.0 / (1.0 + np.exp(-(CODE_MIN + (CODE_MAX - CODE_MIN) * np.arange(256) / 255.0)))
    table_file = json.dumps({
        "schema_version": 1, "bundle": path.name, "precision": "fp32", "model_sha256": digest["model.onnx"],
        "table": table.tolist(), "provenance": {"command": "bundle_factory"},
    }).encode()  # fmt: skip
    root = path.parent.parent if path.parent.name == "engines" else path.parent
    relative = f"{path.name}/fp32.json"
    if calibration:
        (root / "calibration" / path.name).mkdir(parents=True, exist_ok=True)
        (root / "calibration" / relative).write_bytes(table_file)

    card: dict[str, Any] = {
        "schema_version": 1,
        "name": path.name,
        "description": "Nearest-colour classifier for tests.",
        "input": {"height": height, "width": width, "color_order": "rgb"},
        "classes": [
            {"id": i, "name": name, "color": list(colors[i]), "is_foreground": name in FOREGROUND}
            for i, name in enumerate(classes)
        ],
        "tensors": {
            "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, height, width, 3]}],
            "outputs": [
                {"name": "labels", "dtype": "uint8", "shape": [1, height, width]},
                {"name": "confidence", "dtype": "uint8", "shape": [1, height, width]},
                {"name": "features", "dtype": "float32", "shape": [1, len(names)]},
                *([{"name": "unknown", "dtype": "uint8", "shape": list(given["unknown"].shape)}] if unknown else []),
            ],
        },
        "feature_names": names,
        "models": {
            "fp32": {"file": "model.onnx", "sha256": digest["model.onnx"], "size_bytes": len(files["model.onnx"])}
        },
        "confidence_code": {"kind": "logit", "min": CODE_MIN, "max": CODE_MAX},
        "low_confidence_threshold": 0.5,
        "corridor": {"polygon": CORRIDOR},
        "calibration": {"fp32": {"file": relative, "sha256": hashlib.sha256(table_file).hexdigest()}}
        if calibration
        else {},
        "golden": {
            "image": "golden.png",
            "image_sha256": digest["golden.png"],
            "expected": "golden.npz",
            "expected_sha256": digest["golden.npz"],
            "tolerances": {"mask_agreement": 0.995, "confidence_mean_abs": 2.0, "features_rel": 0.02},
        },
        "training": {"data": [], "licence_note": "none: no weights are learned", "command": "", "epochs": 0, "seed": 0},
        "default_backend": "onnxruntime",
    }
    if verdict:
        card["verdict"] = {"file": "verdict.json", "sha256": digest["verdict.json"]}
    (path / "card.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
    return path


def _verdict(names: Sequence[str], features: np.ndarray, model_sha256: str) -> bytes:
    """A verdict that gets worse as the image gets darker and the confidence lower; good on the golden image."""
    used = ["confidence_mean", "luma_mean"]
    value = {name: float(features[names.index(name)]) for name in names}
    mean = [value[name] for name in used]
    embedding = [name for name in names if name.startswith("embedding/")]
    return json.dumps({
        "schema_version": 1, "model_sha256": model_sha256, "features": used,
        "mean": mean, "std": [abs(m) / 4 + 0.02 for m in mean], "clip": 8.0,
        "layers": [{"weight": [[0.5, 0.5], [-2.0, -2.0]], "bias": [1.0, -4.0], "activation": "identity"}],
        "failure_threshold": 0.5, "recovery_threshold": 0.35,
        "quality_lower_offset": 0.1, "quality_lower_slope": 0.0, "one_class_share": 0.97, "quality_lower_coverage": 0.9,
        "ood_score": {
            "features": embedding, "mean": [value[name] for name in embedding],
            "basis": np.eye(EMBEDDING)[:2].tolist(), "variance": [0.25, 0.25], "residual_variance": 0.25,
            "limit": 10.0,
        },
        "unknown": {
            "score": UNKNOWN_FEATURES[1], "limit": UNKNOWN_LIMIT, "share": UNKNOWN_FEATURES[0], "hard_share": 0.5,
        } if UNKNOWN_FEATURES[0] in names else None,
        "provenance": {"command": "bundle_factory"},
    }).encode()  # fmt: skip
