# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether an ONNX file keeps all of its weights inside, found by walking every message of it. Standard library only.

An inference library reads weights from other files when a tensor says so, unhashed and from wherever it likes. A search
for the bytes of such a tensor is not enough: protobuf allows the same number in longer forms, which the libraries take.
So the file is parsed as strictly as a library writes it: shortest varints, known fields, each with its own wire type.
Format: onnx.proto3 of ONNX 1.19, and the encoding of protocol buffers.
"""

from __future__ import annotations

MOST_DEPTH = 64  # of graphs within attributes of nodes
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10  # bytes of 64 bits

# Known fields of each message, and of which message a field is. Messages that cannot hold a tensor are passed over.
Fields = dict[int, str]
PLAIN = ""
MESSAGES: dict[str, Fields] = {
    "ModelProto": {**dict.fromkeys((1, 2, 3, 4, 5, 6, 8, 14, 26), PLAIN),
                   7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto", 3: PLAIN, 4: PLAIN},
    "FunctionProto": {**dict.fromkeys((1, 4, 5, 6, 8, 9, 10, 12, 13, 14), PLAIN), 7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {**dict.fromkeys((2, 10, 11, 12, 13, 14, 16), PLAIN),
                   1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {**dict.fromkeys((1, 2, 3, 4, 6, 7, 8, 9, 10), PLAIN), 5: "AttributeProto"},
    "AttributeProto": {**dict.fromkeys((1, 2, 3, 4, 7, 8, 9, 13, 14, 15, 20, 21), PLAIN),
                       5: "TensorProto", 10: "TensorProto", 6: "GraphProto", 11: "GraphProto",
                       22: "SparseTensorProto", 23: "SparseTensorProto"},
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto", 3: PLAIN},
    "TensorProto": dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16), PLAIN),
}  # fmt: skip
EXTERNAL_DATA, DATA_LOCATION = 13, 14  # of TensorProto


class ExternalData(ValueError):
    """A tensor says that its data are elsewhere."""


class NotPlain(ValueError):
    """No ONNX file, or not in the one form that a library writes."""


def check_self_contained(data: bytes) -> None:
    """Pass when `data` is an ONNX model whose tensors are all inside.

    Raises:
        ExternalData: a tensor, in whatever graph, attribute, function or sparse tensor, has its data elsewhere.
        NotPlain: anything else than fields that ONNX 1.19 knows, in their shortest form.
    """
    if not data:
        raise NotPlain("an empty file")
    _walk(data, 0, len(data), "ModelProto", 0)


def _walk(data: bytes, at: int, end: int, message: str, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise NotPlain(f"messages within each other, more than {MOST_DEPTH} deep")
    fields = MESSAGES[message]
    while at < end:
        tag, at = _varint(data, at, end)
        number, wire = tag >> 3, tag & 7
        if message == "TensorProto" and number in (EXTERNAL_DATA, DATA_LOCATION):
            place, at = _varint(data, at, end)
            if number == DATA_LOCATION and wire == VARINT and place == 0:  # "inside", said expressly
                continue
            raise ExternalData("a tensor whose data are in another file")
        inner = fields.get(number)
        if inner is None:
            raise NotPlain(f"field {number} of {message}, which is not known")
        if wire == VARINT:
            _, at = _varint(data, at, end)
            length = 0
        elif wire == BYTES:
            length, at = _varint(data, at, end)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise NotPlain(f"wire type {wire}")
        if length > end - at:
            raise NotPlain("a field longer than the message that it is in")
        if inner:
            if wire != BYTES:
                raise NotPlain(f"field {number} of {message} with wire type {wire}")
            _walk(data, at, at + length, inner, depth + 1)
        at += length


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(value, where it ends) of a number in its shortest form."""
    value = 0
    for count in range(LONGEST_VARINT):
        if at + count >= end:
            raise NotPlain("a number that is cut off")
        byte = data[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            if (byte == 0 and count) or value >> 64:
                break
            return value, at + count + 1
    raise NotPlain("a number that is longer than it need be")
