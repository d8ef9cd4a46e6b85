# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The encoder that is given has a shape of its own, in a configuration and in a network."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg_lab.network.encoder_layouts import LITE0, LITE0_UNITS, LITE0_WIDTHS  # noqa: E402
from trustseg_lab.network.segnet import SegNetConfig  # noqa: E402
from trustseg_lab.training.config import ModelSection  # noqa: E402

SHAPE = SegNetConfig(3, widths=LITE0_WIDTHS, encoder_convs=LITE0_UNITS, encoder=LITE0)


def test_the_published_shape() -> None:
    assert LITE0_WIDTHS == (32, 24, 40, 112, 192)
    assert LITE0_UNITS == (1, 3, 2, 6, 4)


@pytest.mark.parametrize("section", [{"lite0": "a.pth"}, {"encoder": "lite0", "vgg16": "a.safetensors"}])
def test_weights_of_another_encoder_are_refused_before_anything_is_read(section: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="weights of another encoder than"):
        ModelSection.model_validate(section)


def test_the_shape_of_an_encoder_that_is_given() -> None:
    section = ModelSection.model_validate({"encoder": "lite0"})
    assert tuple(section.widths) == LITE0_WIDTHS
    assert tuple(section.encoder_convs) == LITE0_UNITS
    for more in ({"widths": [16, 24, 40, 112, 192]}, {"encoder_convs": [1, 1, 1, 1, 1]}, {"encoder_groups": [0] * 5}):
        with pytest.raises(ValueError, match="it has its own"):
            ModelSection.model_validate({"encoder": "lite0", **more})
        with pytest.raises(ValueError, match="encoder lite0 has widths"):
            SegNetConfig(**{**SHAPE.__dict__, **{key: tuple(value) for key, value in more.items()}})
    with pytest.raises(ValueError, match="not plain or lite0"):
        SegNetConfig(3, encoder="vgg")
