# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints whose description is not what a checkpoint says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.data.class_list import ClassList  # noqa: E402
from trustseg_lab.network.segnet import SegNetConfig  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402

CLASSES = ClassList.model_validate(
    {"void": 9, "classes": [{"id": k, "name": "ab"[k], "color": [0, 0, k]} for k in (0, 1)]}
)
SHAPE = SegNetConfig(classes=2, widths=(8, 12), encoder_convs=(1, 1), decoder_convs=(1, 1))
GOOD = checkpoint.describe(SHAPE, CLASSES)


@pytest.mark.parametrize(
    ("changes", "got"),
    [
        ({"network": None}, "TypeError|AttributeError"),
        ({"network": {"widths": "abc"}}, "TypeError|ValueError"),
        ({"classes": {"void": 9}}, "ValidationError"),
    ],
)
def test_a_description_that_makes_no_sense_is_one_line(tmp_path: Path, changes: dict[str, Any], got: str) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save_weights(path, {"w": torch.zeros(2)}, GOOD | changes)
    with pytest.raises(InputError, match=f"^the checkpoint does not describe a network .*, got ({got}) ") as caught:
        checkpoint.load_network(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lacking", ["network", "classes"])
def test_a_description_that_lacks_something_is_one_line(tmp_path: Path, lacking: str) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save_weights(path, {"w": torch.zeros(2)}, {key: GOOD[key] for key in GOOD if key != lacking})
    with pytest.raises(InputError, match=f"got KeyError '{lacking}'$"):
        checkpoint.load_network(path)
