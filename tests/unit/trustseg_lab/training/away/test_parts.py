# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints that come back: half precision, in files of a size that is kept, whole whenever one looks."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")

from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.away import parts  # noqa: E402
from trustseg_lab.training.away.__main__ import main  # noqa: E402
from trustseg_lab.training.away.parts import HEADER, write_parts  # noqa: E402

SMALL = HEADER + 41_000


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {f"layer.{i}": torch.randn(100, 100) for i in range(5)} | {"count": torch.tensor(7)}


def test_one_file_in_half_precision_where_it_fits(tmp_path: Path) -> None:
    write_parts(tmp_path, "lite", state(), {"epoch": 3})
    assert [each.name for each in tmp_path.iterdir()] == ["lite.safetensors"]
    back, meta = checkpoint.load_weights(tmp_path / "lite.safetensors")
    assert meta == {"epoch": 3}
    assert back["layer.0"].dtype == torch.float16
    assert int(back["count"]) == 7
    assert torch.equal(back["layer.4"], state()["layer.4"].half())


def test_a_value_beyond_half_precision_keeps_its_own(tmp_path: Path) -> None:
    write_parts(tmp_path, "vgg", {"var": torch.tensor([1e6]), "w": torch.tensor([1.0])}, {})
    back, _ = checkpoint.load_weights(tmp_path / "vgg.safetensors")
    assert back["var"].item() == 1e6
    assert back["w"].dtype == torch.float16


def test_parts_are_joined_and_each_has_its_size(tmp_path: Path) -> None:
    write_parts(tmp_path, "vgg", state(), {"epoch": 1}, SMALL)
    files = sorted(tmp_path.glob("vgg-*.safetensors"))
    assert len(files) == 3
    assert all(each.stat().st_size <= SMALL for each in files)
    assert main(["join", str(tmp_path / "vgg.parts.json"), str(tmp_path / "whole.safetensors")]) == 0
    back, meta = checkpoint.load_weights(tmp_path / "whole.safetensors")
    assert meta == {"epoch": 1}
    assert {
        name: value.half() if value.is_floating_point() else value for name, value in state().items()
    }.keys() == back.keys()
    assert torch.equal(back["layer.3"], state()["layer.3"].half())


def test_a_newer_set_replaces_the_older_one_and_a_stop_between_leaves_the_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts(tmp_path, "vgg", state(), {"epoch": 1}, SMALL)
    newer = {name: value + 1 for name, value in state().items()}
    with monkeypatch.context() as patched:
        patched.setattr(parts, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_parts(tmp_path, "vgg", newer, {"epoch": 2}, SMALL)
    parts.join(tmp_path / "vgg.parts.json", tmp_path / "old.st")
    assert checkpoint.load_weights(tmp_path / "old.st")[1] == {"epoch": 1}
    write_parts(tmp_path, "vgg", newer, {"epoch": 2}, SMALL)
    assert len(list(tmp_path.glob("vgg-*"))) == 3
    parts.join(tmp_path / "vgg.parts.json", tmp_path / "new.st")
    assert checkpoint.load_weights(tmp_path / "new.st")[1] == {"epoch": 2}


def test_a_part_that_is_missing_or_damaged_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_parts(tmp_path, "vgg", state(), {}, SMALL)
    part = sorted(tmp_path.glob("vgg-2of3*"))[0]
    data = part.read_bytes()
    part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    command = ["join", str(tmp_path / "vgg.parts.json"), str(tmp_path / "whole.safetensors")]
    assert main(command) == 2
    assert f"{part}: SHA-256" in capsys.readouterr().err
    part.unlink()
    assert main(command) == 2
    assert f"no such part: {part.name}" in capsys.readouterr().err
    (tmp_path / "vgg.parts.json").write_text('{"parts": [{"file": "../x", "sha256": ""}]}')
    assert main(command) == 2
    assert "no such part: ../x" in capsys.readouterr().err
    for nothing in ("[]", '{"parts": []}'):
        (tmp_path / "vgg.parts.json").write_text(nothing)
        assert main(command) == 2
        assert "lists no parts of a checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "whole.safetensors").exists()


def test_a_tensor_larger_than_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than a part"):
        write_parts(tmp_path, "vgg", {"w": torch.zeros(300, 300)}, {}, SMALL)


def test_a_network_comes_back_from_its_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiny_training import CLASSES

    config = SegNetConfig(classes=3, widths=(8, 12), encoder_convs=(1, 1), decoder_convs=(1, 1))
    network = SegNet(config).eval()
    write_parts(tmp_path, "lite", network.state_dict(), checkpoint.describe(config, CLASSES))
    back, classes, _ = checkpoint.load_network(tmp_path / "lite.safetensors")
    image = torch.randn(1, 3, 16, 16)
    assert classes == CLASSES
    assert torch.allclose(back(image).logits, network(image).logits, atol=1e-2)
