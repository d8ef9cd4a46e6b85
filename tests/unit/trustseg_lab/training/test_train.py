# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training on a user's own tiny data: learns, resumes, selects on val, and refuses what it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from tiny_training import CLASSES, tiny_config, write_set  # noqa: E402
from trustseg.cli.app import main  # noqa: E402
from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.data.class_list import load_classes  # noqa: E402
from trustseg_lab.network.confidence import ConfidenceHead  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training import train as training  # noqa: E402
from trustseg_lab.training.arithmetic import chosen  # noqa: E402
from trustseg_lab.training.batches import Batches  # noqa: E402
from trustseg_lab.training.config import (  # noqa: E402
    AugmentSection,
    Source,
    TrainConfig,
    load_config,
)
from trustseg_lab.training.data import IGNORE, load_set, look_at_labels, pair_files, read_pair  # noqa: E402
from trustseg_lab.training.export.checkpoint_to_graph import save_fused  # noqa: E402
from trustseg_lab.training.losses import class_weights, segmentation_loss, soft_jaccard  # noqa: E402
from trustseg_lab.training.objective import Objective  # noqa: E402
from trustseg_lab.training.train import learning_rate, one_step, start_run, train  # noqa: E402


def test_learns_own_classes_and_keeps_the_best_on_val(tmp_path: Path) -> None:
    records: list[dict[str, object]] = []
    last = train(tiny_config(tmp_path, 12), CLASSES, tmp_path / "run", report=records.append)
    assert last["val"]["miou"] > 0.85
    state, meta = checkpoint.load_weights(tmp_path / "run" / "best.safetensors")
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert meta["val"]["miou"] == max(r["val"]["miou"] for r in logged if "val" in r)
    assert [c["name"] for c in meta["classes"]["classes"]] == ["left", "right", "spot"]
    assert meta["arithmetic"] == chosen("cpu")
    network, classes, _ = checkpoint.load_network(tmp_path / "run" / "best.safetensors")
    assert network.config.classes == 3
    assert classes == CLASSES
    assert state


def test_resumed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, 4)
    train(config, CLASSES, tmp_path / "run", report=lambda _: None, stop_after_epoch=2)
    before = checkpoint.load_run(tmp_path / "run" / "state.pt")
    assert before["epoch"] == 2
    assert before["step"] == 8
    epochs: list[int] = []
    train(
        config, CLASSES, tmp_path / "run", resume=True,
        report=lambda r: epochs.append(r["epoch"]) if r["kind"] == "epoch" else None,
    )  # fmt: skip
    assert epochs == [3, 4]
    assert checkpoint.load_run(tmp_path / "run" / "state.pt")["step"] == 16


def test_a_state_of_other_classes_is_refused_and_one_that_names_none_goes_on(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, 2)
    train(config, CLASSES, tmp_path / "run", report=lambda _: None, stop_after_epoch=1)
    path = tmp_path / "run" / "state.pt"
    turned = [each.model_copy(update={"name": name}) for each, name in
              zip(CLASSES.classes, ("right", "left", "spot"), strict=True)]  # fmt: skip
    others = CLASSES.model_copy(update={"classes": turned})
    with pytest.raises(InputError, match=r"is of other classes.*right, left, spot.*got left, right, spot"):
        train(config, others, tmp_path / "run", report=lambda _: None, resume=True)
    before = checkpoint.load_run(path)
    del before["classes"]
    checkpoint.save_run(path, before)
    assert train(config, CLASSES, tmp_path / "run", report=lambda _: None, resume=True)["epoch"] == 2


def test_to_go_on_needs_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(tiny_config(tmp_path, 1).model_dump_json())
    (tmp_path / "classes.yaml").write_text(CLASSES.model_dump_json(by_alias=True))
    given = ["--config", str(config), "--classes", str(tmp_path / "classes.yaml"), "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as ended:
        main(["train", *given, "--resume"])
    assert ended.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "holds no run to go on with" in lines[0]
    assert not (tmp_path / "run").exists()


def test_what_is_undefined_is_null_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "evaluate", lambda *_: {"miou": None, "accuracy": float("nan"), "class_iou": []})
    train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "run", report=lambda _: None)
    (line,) = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert json.loads(line, parse_constant=pytest.fail)["val"]["accuracy"] is None


def test_same_seed_gives_the_same_batches(tmp_path: Path) -> None:
    data = load_set(write_set(tmp_path / "d", 6, 3), CLASSES, 40, 48)
    drawn = []
    for _ in range(2):
        batches = Batches(data, [], 4, AugmentSection(noise=0), seed=5)
        stream = iter(batches)
        drawn.append([next(stream) for _ in range(3)])
        batches.close()
    for (a_image, a_label, a_soft), (b_image, b_label, _) in zip(*drawn, strict=True):
        assert torch.equal(a_image, b_image)
        assert torch.equal(a_label, b_label)
        assert a_soft is None


def test_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "run", report=lambda _: None)
    wider = tiny_config(tmp_path, 1).model_copy(
        update={"model": tiny_config(tmp_path, 1).model.model_copy(update={"widths": [8, 12, 24]})}
    )
    with pytest.raises(InputError, match="does not fit"):
        train(wider, CLASSES, tmp_path / "b", report=lambda _: None, init=tmp_path / "run" / "last.safetensors")


def test_published_checkpoint_with_its_head_starts_a_deeper_run(tmp_path: Path) -> None:
    train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "run", report=lambda _: None)
    network, _, meta = checkpoint.load_network(tmp_path / "run" / "last.safetensors")
    save_fused(tmp_path / "weights.safetensors", network, ConfidenceHead(8), meta)
    config = tiny_config(tmp_path, 1)
    deeper = config.model_copy(update={"model": config.model.model_copy(update={"decoder_convs": [2, 2, 2]})})
    run = start_run(deeper, CLASSES, np.zeros((1, 40, 48, 3), np.uint8), "cpu", tmp_path / "weights.safetensors")
    image = torch.randn(1, 3, 16, 16)
    assert torch.allclose(run.average(image).logits, network(image).logits, atol=1e-5)


def test_void_is_ignored_and_foreign_ids_are_named(tmp_path: Path) -> None:
    source = write_set(tmp_path / "d", 2, 3)
    image_path, label_path = pair_files(source)[0]
    _, label = read_pair(image_path, label_path, CLASSES)
    assert set(np.unique(label)) <= {0, 1, 2, IGNORE}
    assert (label[:3] == IGNORE).all()
    broken = cv2.imread(str(label_path), cv2.IMREAD_UNCHANGED)
    broken[5, 5] = 77
    cv2.imwrite(str(label_path), broken)
    with pytest.raises(InputError, match=r"000\.png.*77"):
        read_pair(image_path, label_path, CLASSES)


def test_sizes_that_differ_and_missing_pairs_are_named(tmp_path: Path) -> None:
    source = write_set(tmp_path / "d", 1, 3)
    cv2.imwrite(str(source.labels / "000.png"), np.zeros((20, 48), np.uint8))
    with pytest.raises(InputError, match=r"000\.png are of another size than 000\.png"):
        load_set(source, CLASSES, 40, 48)
    (source.labels / "000.png").rename(source.labels / "other.png")
    with pytest.raises(InputError, match=r"images/000\.png has no labels, expected .*labels/000\.png"):
        pair_files(source)


def test_one_image_without_labels_among_others_is_not_left_out_in_silence(tmp_path: Path) -> None:
    source = write_set(tmp_path / "d", 3, 3)
    (source.labels / "001.png").unlink()
    with pytest.raises(InputError, match=r"images/001\.png has no labels"):
        load_set(source, CLASSES, 40, 48)


def test_names_of_labels_are_part_of_the_configuration(tmp_path: Path) -> None:
    source = write_set(tmp_path / "d", 2, 3)
    for path in list(source.labels.iterdir()):
        path.rename(path.with_name(f"{path.stem}.classes.png"))
    named = source.model_copy(update={"label_names": ":.classes"})
    assert [(a.name, b.name) for a, b in pair_files(named)] == [
        ("000.png", "000.classes.png"), ("001.png", "001.classes.png"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optim: {epochs: 3}\nsurprise: 1", "surprise"),
        ("optim: {epochs: 0}", "epochs"),
        ("- a\n- b", "no mapping"),
        ("a: [", "not valid YAML"),
        ("optim: {epochs: 3}\ndata: {scene_share: 0.5}", "scene_share is 0.5 and scene_frames is 0"),
        (
            "optim: {epochs: 3}\ndata: {scene_share: 0.7, scene_frames: 9}\n"
            "coarse: {source: {images: i, labels: l}, groups: [[a]], share: 0.4}",
            "scenes 0.7 and coarse 0.4: together 1.1",
        ),
        ("optim: 3\ndistil: 7", "distil holds no mapping"),
    ],
)
def test_bad_configuration_names_its_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    source = {"images": "i", "labels": "l"}
    given = {} if text.startswith(("-", "a")) else {"data.train": source, "data.val": source}
    given |= {"distil.teacher": "t"} if "distil" in text else {}
    with pytest.raises(InputError, match=message):
        load_config(path, given)


def test_an_empty_section_is_filled_by_what_the_command_says(tmp_path: Path) -> None:
    source = {"images": "i", "labels": "l"}
    path = tmp_path / "c.yaml"
    path.write_text("optim:\ndistil: null\ndata:\n")
    given = {"data.train": source, "data.val": source, "optim.epochs": 7, "distil.teacher": "t.safetensors"}
    found = load_config(path, given)
    assert found.optim.epochs == 7
    assert found.distil is not None
    assert found.distil.teacher == Path("t.safetensors")
    # Shares of 1 in all, whatever the last bit: none of the training images in a batch.
    shares = {"data.more": [{"source": source, "share": each} for each in (0.05, 0.55, 0.3)], "data.scene_frames": 9}
    full = load_config(path, {**given, **shares, "data.scene_share": 0.1})
    assert sum(each.share for each in full.data.more) + full.data.scene_share > 1


def test_class_list_must_count_from_zero(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("void: 255\nclasses: [{id: 1, name: a, color: [1, 2, 3]}, {id: 2, name: b, color: [1, 2, 3]}]")
    with pytest.raises(InputError, match="ids"):
        load_classes(path)


def test_learning_rate_rises_stays_and_falls_to_zero(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, 10)  # 4 steps an epoch: 2 of warm-up, flat to 20, down to 40
    rates = [learning_rate(step, 4, config) for step in (0, 1, 19, 30, 40)]
    assert rates[0] == pytest.approx(2.5e-3)
    assert rates[1] == rates[2] == pytest.approx(5e-3)
    assert rates[3] == pytest.approx(2.5e-3)
    assert rates[4] == pytest.approx(0.0)


def test_class_weights_by_hand() -> None:
    """Median 0.2: weights (0.2 / f) ** 0.5, at most 2; a class never seen gets 1."""
    weights = class_weights(np.array([0.8, 0.2, 0.01, 0.0]), 0.5, 2.0)
    assert weights.tolist() == pytest.approx([0.5, 1.0, 2.0, 1.0])


def test_soft_jaccard_of_certain_predictions() -> None:
    """Two pixels, one right and one wrong: each class has intersection 1 or 0, union 2 or 1."""
    labels = torch.tensor([[[0, 1, 255]]])
    logits = torch.full((1, 2, 1, 3), -50.0)
    logits[0, 0] = 50.0  # everything class 0
    assert float(soft_jaccard(logits, labels, 255)) == pytest.approx(1 - (0.5 + 0.0) / 2, abs=1e-5)


def test_rendered_scenes_are_refused_for_other_classes(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, 1)
    mixed = config.model_copy(update={"data": config.data.model_copy(update={"scene_share": 0.5, "scene_frames": 4})})
    with pytest.raises(InputError, match=r"own_data\.yaml"):
        train(mixed, CLASSES, tmp_path / "run", report=lambda _: None)
    assert not (tmp_path / "run").exists()


def test_an_empty_folder_and_all_void_are_refused(tmp_path: Path) -> None:
    source = write_set(tmp_path / "d", 2, 3)
    for path in source.labels.iterdir():
        cv2.imwrite(str(path), np.full((40, 48), 9, np.uint8))
    with pytest.raises(InputError, match="void"):
        load_set(source, CLASSES, 40, 48)
    with pytest.raises(InputError, match="no folder of images"):
        pair_files(Source(images=tmp_path / "none", labels=source.labels))


def test_windows_until_a_share_of_the_epochs_and_stages_that_stay(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, 2)
    config = TrainConfig.model_validate(
        {
            **config.model_dump(), "data": {**config.data.model_dump(), "crop": (24, 32), "crop_until": 0.5},
            "optim": {**config.optim.model_dump(), "frozen_stages": 1, "encoder_lr": 0.1},
        }
    )  # fmt: skip
    images = load_set(config.data.train, CLASSES, 40, 48).images
    run = start_run(config, CLASSES, images, "cpu", None)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    sizes: list[tuple[int, ...]] = []
    run.network.register_forward_pre_hook(lambda _m, args: sizes.append(tuple(args[0].shape[-2:])))
    batch = (torch.from_numpy(images[:2]), torch.zeros((2, 40, 48), dtype=torch.uint8), None)
    objective = Objective(config, run.network.config.output_stride, torch.ones(3), None)
    for _ in range(4):
        one_step(run, batch, objective, 2, "cpu")
    assert sizes == [(24, 32), (24, 32), (40, 48), (40, 48)]
    after = run.network.state_dict()
    frozen = [name for name in after if name.startswith("encoder.0.")]
    assert all(torch.equal(after[name], before[name]) for name in frozen)
    assert not torch.equal(after["encoder.1.0.conv.weight"], before["encoder.1.0.conv.weight"])
    rates = [group["lr"] for group in run.optimizer.param_groups]
    assert rates[0] == pytest.approx(0.1 * rates[1])


def test_a_batch_without_any_class_costs_nothing_and_moves_nothing() -> None:
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((2, 4, 5), IGNORE), torch.ones(3), 1.0, IGNORE)
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_labels_of_a_data_set_are_regrouped_to_own_classes(tmp_path: Path) -> None:
    """Cityscapes' labelIds: 7 road, 26 car, 21 vegetation, and what has no place is left out of the loss."""
    for name, pixels in (("images/a.png", np.full((32, 32, 3), 90, np.uint8)), ("labels/a.png", np.zeros((32, 32)))):
        (tmp_path / name).parent.mkdir()
        if name.startswith("labels"):
            pixels[:8], pixels[8:16], pixels[16:24] = 7, 26, 21
        cv2.imwrite(str(tmp_path / name), pixels)
    entry = "{{id: {}, name: {}, color: [0, 0, 0], from: {}}}"
    listed = ", ".join([entry.format(0, "drivable", "[road]"), entry.format(1, "vehicle", "[car, truck]")])
    (tmp_path / "classes.yaml").write_text(f"void: 7\nsource: cityscapes\nvoid_from: rest\nclasses: [{listed}]\n")
    classes = load_classes(tmp_path / "classes.yaml")
    source = Source(images=tmp_path / "images", labels=tmp_path / "labels", label_format="cityscapes")
    for each in (source, source.model_copy(update={"label_format": "auto"})):  # plain ids are those of the one source
        labels = load_set(each, classes, 32, 32).labels[0]
        assert labels[::8, 0].tolist() == [0, 1, IGNORE, IGNORE]
    told = look_at_labels(source, classes).told[0]
    assert "which has 2 of the 2 classes; in 1 files 50.0 % of the pixels have no class" in told


def test_further_labelled_sets_are_learned_from_and_taught_of(tmp_path: Path) -> None:
    """Nothing but the further set's labels, in which left is right, is learned where it has the whole of a batch."""
    config = tiny_config(tmp_path, 8)
    train(config, CLASSES, tmp_path / "teacher", report=lambda _: None)
    source = write_set(tmp_path / "more", 16, 4)
    for path in source.labels.iterdir():
        ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), np.where(ids < 2, 1 - ids.astype(int), ids).astype(np.uint8))
    more = [{"source": source.model_dump(), "share": 1.0}]
    other = TrainConfig.model_validate({**config.model_dump(), "data": {**config.data.model_dump(), "more": more}})
    learned = train(other, CLASSES, tmp_path / "run", report=lambda _: None)
    assert learned["val"]["accuracy"] < 0.3
    teacher = {"teacher": str(tmp_path / "teacher" / "best.safetensors")}
    heard: list[int] = []
    short = TrainConfig.model_validate({**tiny_config(tmp_path, 1).model_dump(), "data": other.data.model_dump(),
                                        "distil": teacher})  # fmt: skip
    train(short, CLASSES, tmp_path / "taught", report=lambda r: heard.append(r["of"]) if r["kind"] == "teach" else None)
    assert heard == [16] * 32  # of both sets, image by image
