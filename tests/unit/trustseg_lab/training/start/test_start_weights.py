# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs that start from the weights of another: the same classes, more of them, or the same in another order."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the network is untested")

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.data.class_list import ClassList  # noqa: E402
from trustseg_lab.network.pair import SegNetPair  # noqa: E402
from trustseg_lab.network.segnet import (  # noqa: E402
    SegNet,
    SegNetConfig,
)
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.start import start_weights  # noqa: E402
from trustseg_lab.training.start.start_weights import start_from_checkpoint  # noqa: E402


def shape(classes: int, width: int = 12) -> SegNetConfig:
    return SegNetConfig(classes=classes, widths=(8, width, 16), encoder_convs=(1, 1, 2), decoder_convs=(1, 1, 2))


def listed(*names: str) -> ClassList:
    classes = [{"id": k, "name": name, "color": [10 * k, 0, 0]} for k, name in enumerate(names)]
    return ClassList.model_validate({"void": 255, "classes": classes})


def written(folder: Path, *names: str) -> tuple[Path, SegNet]:
    torch.manual_seed(1)
    network = SegNet(shape(len(names)))
    path = folder / "before.safetensors"
    checkpoint.save_weights(path, network.state_dict(), checkpoint.describe(network.config, listed(*names)))
    return path, network


@pytest.mark.parametrize(
    ("now", "kept"),
    [
        (("sky", "road", "car"), {0: 0, 1: 1, 2: 2}),
        (("sky", "road", "car", "void"), {0: 0, 1: 1, 2: 2}),
        (("car", "tram"), {0: 2}),
    ],
)
def test_classes_of_the_same_name_keep_what_was_learned(
    tmp_path: Path, now: tuple[str, ...], kept: dict[int, int]
) -> None:
    path, before = written(tmp_path, "sky", "road", "car")
    torch.manual_seed(2)
    network = SegNet(shape(len(now)))
    fresh = network.classifier.weight.detach().clone()
    start_from_checkpoint(network, path, listed(*now))
    for name, value in network.state_dict().items():
        if not name.startswith("classifier"):
            assert torch.equal(value, before.state_dict()[name]), name
    for row in range(len(now)):
        expected = before.classifier.weight[kept[row]] if row in kept else fresh[row]
        assert torch.equal(network.classifier.weight[row], expected)


def test_another_shape_is_refused_whatever_the_classes(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "sky", "road", "car")
    for names in (("sky", "road", "car"), ("sky", "road")):
        with pytest.raises(InputError, match="does not fit the configured network"):
            start_from_checkpoint(SegNet(shape(len(names), width=14)), path, listed(*names))


def test_another_number_of_stages_a_pair_and_an_error_of_one_line_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, network = written(tmp_path, "sky", "road", "car")
    names = listed("sky", "road", "car")
    fewer = SegNetConfig(classes=3, widths=(8, 16), encoder_convs=(1, 2), decoder_convs=(1, 2))
    with pytest.raises(InputError, match="does not fit the configured network"):
        start_from_checkpoint(SegNet(fewer), path, names)
    pair = SegNetPair(network, SegNet(shape(3)))
    both = tmp_path / "pair.safetensors"
    checkpoint.save_weights(both, pair.state_dict(), checkpoint.describe(pair.config, names))
    with pytest.raises(InputError, match="holds a pair of networks, expected one network"):
        start_from_checkpoint(SegNet(shape(3)), both, names)

    def refuse(_state: object) -> None:
        raise RuntimeError("one line and no more")

    fresh = SegNet(shape(3))
    monkeypatch.setattr(fresh, "load_state_dict", refuse)
    monkeypatch.setattr(start_weights, "can_deepen", lambda *_: False)
    monkeypatch.setattr(start_weights, "can_narrow", lambda *_: False)
    with pytest.raises(InputError, match="got one line and no more"):
        start_from_checkpoint(fresh, path, names)
