# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The form with EfficientNet-Lite0's encoder: it starts as that network itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

import torch.nn.functional as F  # noqa: E402

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.network.encoder_layouts import LITE0, LITE0_STAGES, LITE0_UNITS, LITE0_WIDTHS  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402
from trustseg_lab.training.batches import MEAN, normalise  # noqa: E402
from trustseg_lab.training.start.lite0 import HALF, NORM_EPSILON, start_from_lite0  # noqa: E402

SHAPE = SegNetConfig(
    3, widths=LITE0_WIDTHS, encoder_convs=LITE0_UNITS, decoder_convs=(1, 1, 1, 1, 1), encoder=LITE0, unknown=True
)


def published_layers() -> list[tuple[str, tuple[int, ...]]]:
    """Name of each convolution of the published file, in its order, and the shape of its weight."""
    layers: list[tuple[str, tuple[int, ...]]] = [("stem", (32, 3, 3, 3))]
    inputs = 32
    for number, (outputs, kernel, _, expansion) in enumerate(unit for stage in LITE0_STAGES for unit in stage):
        inner = inputs * expansion
        if expansion > 1:
            layers.append((f"{number}.expand", (inner, inputs, 1, 1)))
        layers.append((f"{number}.filter", (inner, 1, kernel, kernel)))
        layers.append((f"{number}.project", (outputs, inner, 1, 1)))
        inputs = outputs
    return layers


def random_lite0(path: Path) -> dict[str, torch.Tensor]:
    """A published file of random weights, with a last unit and a classifier that are not for us."""
    torch.manual_seed(3)
    tensors: dict[str, torch.Tensor] = {}
    for name, shape in [*published_layers(), ("15.expand", (1152, 192, 1, 1))]:
        fan = float(np.prod(shape[1:]))
        tensors[f"{name}.weight"] = torch.randn(shape) * (2 / fan) ** 0.5
        for part, low, high in (("scale", 0.5, 1.5), ("offset", -0.5, 0.5), ("mean", -0.5, 0.5), ("var", 0.5, 1.5)):
            tensors[f"{name}.{part}"] = torch.empty(shape[0]).uniform_(low, high)
        tensors[f"{name}.num_batches_tracked"] = torch.tensor(7)
    torch.save(tensors, path)
    return tensors


def lite0_maps(tensors: dict[str, torch.Tensor], rgb: torch.Tensor) -> list[torch.Tensor]:
    """What EfficientNet-Lite0 itself makes of uint8 RGB (N, H, W, 3): the last map of every resolution."""

    def layer(name: str, x: torch.Tensor, stride: int = 1, padding: int = 0, groups: int = 1) -> torch.Tensor:
        y = F.conv2d(x, tensors[f"{name}.weight"], stride=stride, padding=padding, groups=groups)
        norm = [tensors[f"{name}.{part}"] for part in ("mean", "var", "scale", "offset")]
        return F.batch_norm(y, *norm, eps=NORM_EPSILON)

    # Outside of the image is our mean colour.
    colour = torch.tensor(MEAN).view(1, 3, 1, 1)
    x = (F.pad(rgb.permute(0, 3, 1, 2) / 255.0 - colour, (1, 1, 1, 1)) + colour - HALF) / HALF
    x = F.relu6(layer("stem", x, 2))
    maps, number = [x], 0
    for stage in LITE0_STAGES:
        for _, kernel, stride, expansion in stage:
            y = F.relu6(layer(f"{number}.expand", x)) if expansion > 1 else x
            y = F.relu6(layer(f"{number}.filter", y, stride, kernel // 2, y.shape[1]))
            y = layer(f"{number}.project", y)
            x, number = (x + y if stride == 1 and x.shape == y.shape else y), number + 1
        maps.append(x)
    return maps


def test_the_encoder_starts_as_efficientnet_lite0(tmp_path: Path) -> None:
    tensors = random_lite0(tmp_path / "lite0.pth")
    network = SegNet(SHAPE).eval()
    start_from_lite0(network, tmp_path / "lite0.pth")
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8))
    seen: list[torch.Tensor] = []
    for block in network.encoder:
        block.register_forward_hook(lambda _m, _i, output: seen.append(output))
    with torch.no_grad():
        network(normalise(images))
    for ours, theirs in zip(seen, lite0_maps(tensors, images), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_other_files_and_encoders_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lite0.pth"
    with pytest.raises(InputError, match="no such file"):
        start_from_lite0(SegNet(SHAPE), path)
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="holds no weights"):
        start_from_lite0(SegNet(SHAPE), path)
    tensors = random_lite0(path)
    with pytest.raises(InputError, match="cannot start from EfficientNet-Lite0"):
        start_from_lite0(SegNet(SegNetConfig(3)), path)
    torch.save({**tensors, "1.filter.weight": torch.zeros(96, 1, 5, 5)}, path)
    with pytest.raises(InputError, match="convolution 5"):
        start_from_lite0(SegNet(SHAPE), path)
    torch.save({**tensors, "stem.weight": torch.zeros(32, 1, 3, 3)}, path)
    with pytest.raises(InputError, match="stem"):
        start_from_lite0(SegNet(SHAPE), path)
    torch.save(dict(list(tensors.items())[:60]), path)
    with pytest.raises(InputError, match="holds no EfficientNet-Lite0"):
        start_from_lite0(SegNet(SHAPE), path)
