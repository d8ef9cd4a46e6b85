# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Blended weights, by hand, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from tiny_training import CLASSES  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.start.blend import blend, main  # noqa: E402

SHAPE = SegNetConfig(3, widths=(4, 6, 8), encoder_convs=(1, 1, 2), decoder_convs=(1, 1, 2))


def test_weights_lie_on_the_line_between_both() -> None:
    before = {"a": torch.tensor([0.0, 4.0]), "count": torch.tensor(3)}
    after = {"a": torch.tensor([1.0, 0.0]), "count": torch.tensor(9), "unknown.bias": torch.tensor([7.0])}
    found = blend(before, after, 0.75)
    assert found["a"].tolist() == [0.75, 1.0]
    assert int(found["count"]) == 9
    assert found["unknown.bias"].tolist() == [7.0]


def test_what_half_precision_cannot_hold_stays_as_it_is(tmp_path: Path) -> None:
    network = SegNet(SHAPE)
    network.encoder[0][0].norm.running_var[1] = 70_000.0  # type: ignore[index]
    checkpoint.save_weights(tmp_path / "a", network.state_dict(), checkpoint.describe(SHAPE, CLASSES))
    assert main([str(tmp_path / "a"), str(tmp_path / "a"), "1", str(tmp_path / "out")]) == 0
    blended, _, _ = checkpoint.load_network(tmp_path / "out")
    assert float(blended.encoder[0][0].norm.running_var[1]) == 70_000.0  # type: ignore[index]


def test_command_writes_a_checkpoint_of_half_the_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    fine = replace(SHAPE, unknown=True)
    for name, shape in (("before", SHAPE), ("after", fine)):
        told = checkpoint.describe(shape, CLASSES, val={"miou": 1.0})
        checkpoint.save_weights(tmp_path / name, SegNet(shape).state_dict(), told)
    assert main([str(tmp_path / "before"), str(tmp_path / "after"), "0.5", str(tmp_path / "out")]) == 0
    network, _, meta = checkpoint.load_network(tmp_path / "out")
    assert network.config == fine
    assert meta["blended"] == 0.5
    assert "val" not in meta
    first, _, _ = checkpoint.load_network(tmp_path / "before")
    second, _, _ = checkpoint.load_network(tmp_path / "after")
    expected = (first.classifier.weight + second.classifier.weight) / 2
    assert torch.allclose(network.classifier.weight, expected, atol=1e-4)


@pytest.mark.parametrize("share", ["1.5", "-1"])
def test_share_beyond_both_is_refused(tmp_path: Path, share: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--", "before", "after", share, str(tmp_path / "out")]) == 2
    assert "0 to 1" in capsys.readouterr().err


def test_networks_of_two_shapes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, shape in (("before", SHAPE), ("after", replace(SHAPE, widths=(4, 6, 10)))):
        checkpoint.save_weights(tmp_path / name, SegNet(shape).state_dict(), checkpoint.describe(shape, CLASSES))
    assert main([str(tmp_path / "before"), str(tmp_path / "after"), "0.5", str(tmp_path / "out")]) == 2
    assert "one network" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
