# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What evaluation measures is what the product does: exposing the logits changes nothing else, on any backend."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from backend_cases import has_bfloat16
from bundle_factory import paint_scene
from trustseg.backend_registry import ONNX_RUNTIME, OPENVINO_BF16, REGISTRY, TENSORRT
from trustseg.backends import create_backend
from trustseg.backends.interface import LOGITS, with_logits
from trustseg.bundle.loading import load_bundle
from trustseg.errors import BackendError
from trustseg.pipeline import Pipeline
from trustseg.types import Frame

ABLE = [name for name, entry in REGISTRY.items() if entry.exposes_logits]


@pytest.mark.parametrize(
    ("bundle", "precision", "name"),
    [
        ("segnet_vgg", "fp32", ONNX_RUNTIME),
        *(("segnet_lite_plain", precision, name) for precision in ("fp32", "int8") for name in ABLE),
    ],
)
def test_evaluation_gives_the_pipelines_outputs_to_the_bit(
    bundle: str, precision: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """segnet_vgg keeps its weights in eight bits: ONNX Runtime with other options than the backend's differs."""
    if name == OPENVINO_BF16 and not has_bfloat16():
        pytest.skip("this processor has no bfloat16")
    loaded = load_bundle(bundle)
    height, width = loaded.card.size
    image = paint_scene(height, width, seed=9)
    product = create_backend(name, loaded, precision)
    infer, answers = product.infer, []  # what the pipeline was given, without a second inference
    monkeypatch.setattr(product, "infer", lambda given: answers.append(infer(given)) or answers[-1])
    result = Pipeline(loaded, product).process(Frame(image, 1, color_order=loaded.card.input.color_order))
    (plain,) = answers
    product.close()
    engine = create_backend(name, loaded, precision, expose_logits=True)
    exposed = engine.infer(image)
    engine.close()
    assert plain.logits.size == 0
    assert np.array_equal(exposed.labels, result.labels)
    assert np.array_equal(exposed.labels, plain.labels)
    assert np.array_equal(exposed.confidence, plain.confidence)
    assert np.array_equal(exposed.features, plain.features)
    assert (exposed.logits.dtype, exposed.logits.shape) == (np.float32, (len(loaded.card.classes), height, width))
    assert (exposed.logits.argmax(0) == exposed.labels).mean() >= 0.999


def test_a_plan_cannot_expose_logits_and_the_refusal_names_who_can() -> None:
    with pytest.raises(BackendError, match="tensorrt cannot expose logits, expected one of onnxruntime, openvino, "):
        create_backend(TENSORRT, load_bundle("segnet_lite"), expose_logits=True)


def test_a_graph_without_logits_is_refused() -> None:
    node = onnx.helper.make_node("Identity", ["image"], ["labels"])
    tensors = [onnx.helper.make_tensor_value_info(each, onnx.TensorProto.UINT8, [1]) for each in ("image", "labels")]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", tensors[:1], tensors[1:]))
    with pytest.raises(BackendError, match=f"graph of bundle b has no tensor '{LOGITS}'"):
        with_logits(model.SerializeToString(), "b")
