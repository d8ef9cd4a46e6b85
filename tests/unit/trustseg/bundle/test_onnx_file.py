# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX files with weights elsewhere are found wherever the tensor hides and however its numbers are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper, onnx_ml_pb2

from trustseg.bundle.loading import load_bundle, sha256_hex
from trustseg.bundle.onnx_file import MESSAGES, ExternalData, NotPlain, check_self_contained
from trustseg.errors import BundleError

INSIDE = numpy_helper.from_array(np.arange(6, dtype=np.float32), "w")


def varint(value: int, length: int = 0) -> bytes:
    """`value` in `length` bytes, or in as few as can be."""
    out = []
    while value >= 0x80 or len(out) + 1 < length:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, body: bytes, *, tag_length: int = 0, length_length: int = 0) -> bytes:
    return varint(number << 3 | 2, tag_length) + varint(len(body), length_length) + body


def entry(key: bytes, value: bytes, longer: int = 0) -> bytes:
    return field(1, key, length_length=longer) + field(2, value)


def outside(longer: int = 0) -> bytes:
    """A tensor of six floats in weights.bin; `longer`: bytes of the length before the word "location"."""
    tensor = varint(1 << 3) + varint(6) + varint(2 << 3) + varint(1) + field(8, b"w")
    tensor += field(13, entry(b"location", b"weights.bin", longer)) + field(13, entry(b"length", b"24"))
    return tensor + varint(14 << 3) + varint(1)


def model(graph: bytes = b"", more: bytes = b"") -> bytes:
    return varint(1 << 3) + varint(9) + field(7, graph) + field(8, varint(2 << 3) + varint(17)) + more


def node(attribute: bytes) -> bytes:
    return field(4, b"Constant") + field(5, field(1, b"value") + attribute)


PLACES: dict[str, Callable[[bytes], bytes]] = {
    "initializer": lambda t: model(field(5, t)),
    "sparse values": lambda t: model(field(15, field(1, t))),
    "sparse indices": lambda t: model(field(15, field(2, t))),
    "attribute": lambda t: model(field(1, node(field(5, t)))),
    "attributes": lambda t: model(field(1, node(field(10, INSIDE.SerializeToString()) + field(10, t)))),
    "sparse attribute": lambda t: model(field(1, node(field(22, field(1, t))))),
    "sparse attributes": lambda t: model(field(1, node(field(23, field(2, t))))),
    "subgraph": lambda t: model(field(1, node(field(6, field(5, t))))),
    "subgraphs": lambda t: model(field(1, node(field(11, field(1, node(field(6, field(5, t)))))))),
    "function": lambda t: model(more=field(25, field(7, node(field(5, t))))),
    "function's attribute": lambda t: model(more=field(25, field(11, field(5, t)))),
    "training": lambda t: model(more=field(20, field(2, field(5, t)))),
    "second graph": lambda t: model() + field(7, field(5, t)),
    "second half": lambda t: model(field(5, INSIDE.SerializeToString()) + field(5, t)),
}


@pytest.mark.parametrize("longer", [0, 2, 5])  # protobuf takes lengths of up to five bytes
@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_outside_is_found_wherever_it_is(place: str, longer: int) -> None:
    data = PLACES[place](outside(longer))
    assert onnx.load_from_string(data)  # protobuf itself takes it
    with pytest.raises(ExternalData):
        check_self_contained(data)
    check_self_contained(PLACES[place](INSIDE.SerializeToString()))


@pytest.mark.parametrize(
    "tensor",
    [varint(14 << 3) + varint(1), varint(14 << 3) + varint(7), field(13, b""), field(14, b"")],
)
def test_any_word_of_another_place_is_enough(tensor: bytes) -> None:
    with pytest.raises((ExternalData, NotPlain)):
        check_self_contained(model(field(5, tensor)))


def test_that_the_data_are_inside_may_be_said() -> None:
    said = TensorProto()
    said.CopyFrom(INSIDE)
    said.data_location = TensorProto.DEFAULT
    check_self_contained(model(field(5, said.SerializeToString())))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "an empty file"),
        (varint(1 << 3, 2) + b"\x09", "longer than it need be"),
        (varint(1 << 3) + varint(9, 2), "longer than it need be"),
        (field(7, b"", tag_length=5), "longer than it need be"),
        (field(7, b"", length_length=2), "longer than it need be"),
        (varint(1 << 3) + b"\xff" * 10 + b"\1", "longer than it need be"),
        (varint(1 << 3) + b"\xff" * 9 + b"\x02", "longer than it need be"),
        (varint(1 << 3) + b"\xff\xff", "cut off"),
        (b"\x08", "cut off"),
        (varint(7 << 3 | 3) + varint(7 << 3 | 4), "wire type 3"),
        (varint(2 << 3 | 6), "wire type 6"),
        (varint(7 << 3) + b"\1", "field 7 of ModelProto with wire type 0"),
        (field(9, b""), "field 9 of ModelProto, which is not known"),
        (varint(2), "field 0 of ModelProto"),
        (field(2, b"abc")[:-1], "longer than the message"),
        (varint(2 << 3 | 5) + b"abc", "longer than the message"),
        (varint(2 << 3 | 1) + b"abcdefg", "longer than the message"),
        (field(7, field(2, b"abc")[:-1]) + b"\0\0", "longer than the message"),
        (b"<?xml version='1.0'?><net/>", "wire type"),
        (b"    ORTM" + bytes(50), "not known"),
    ],
)
def test_what_no_library_writes_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NotPlain, match=why):
        check_self_contained(data)


def test_graphs_within_graphs_have_an_end() -> None:
    data = b""
    for _ in range(2000):
        data = field(1, node(field(6, data)))
    with pytest.raises(NotPlain, match="more than 64 deep"):
        check_self_contained(model(data))


def test_the_table_is_onnx_own() -> None:
    """Every field of every message that can hold a tensor, as the installed onnx has it."""
    for name, fields in MESSAGES.items():
        known = {each.number: each for each in getattr(onnx_ml_pb2, name).DESCRIPTOR.fields}
        special = {13, 14} if name == "TensorProto" else set()
        assert set(fields) | special == set(known)
        for number, inner in fields.items():
            kind = known[number].message_type
            assert inner == (kind.name if kind is not None and kind.name in MESSAGES else "")
            # What is passed over can hold none of these either.
            if kind is not None and not inner:
                assert not {each.message_type.name for each in kind.fields if each.message_type} & set(MESSAGES)


@pytest.mark.parametrize("path", sorted(Path(__file__).resolve().parents[4].glob("engines/*/*.onnx")), ids=str)
def test_what_was_released_passes(path: Path) -> None:
    check_self_contained(path.read_bytes())


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_a_tensor_that_is_inside(data: bytes) -> None:
    try:
        check_self_contained(model(field(5, data)))
    except (ExternalData, NotPlain):
        return
    tensor = TensorProto()
    tensor.ParseFromString(data)
    assert not tensor.external_data
    assert tensor.data_location == TensorProto.DEFAULT


def test_a_longer_number_does_not_make_openvino_read_a_file_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that once passed: OpenVINO reads weights.bin of the working directory, the bundle refuses it."""
    import json

    import openvino as ov

    from bundle_factory import make_tiny_bundle

    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [6])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    data = made.SerializeToString() + field(7, field(5, outside(longer=2)))
    monkeypatch.chdir(tmp_path)
    np.arange(6, dtype=np.float32).tofile("weights.bin")
    core = ov.Core()
    answer = core.compile_model(core.read_model(data), "CPU")([np.zeros(6, np.float32)])[0]
    assert answer.tolist() == [0, 1, 2, 3, 4, 5]

    path = make_tiny_bundle(tmp_path / "engines" / "tiny")
    (path / "model.onnx").write_bytes(data)
    card = json.loads((path / "card.json").read_text())
    card["models"]["fp32"] |= {"sha256": sha256_hex(data), "size_bytes": len(data)}
    (path / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match="refers to data outside itself"):
        load_bundle(path).model_bytes()
