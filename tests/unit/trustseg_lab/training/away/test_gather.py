# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is carried: all that the configurations name and nothing else, labels as they are, images smaller on demand."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("torch", reason="the training extra (torch) is not installed")

from tiny_plan import write_plan
from tiny_training import CLASSES
from trustseg.errors import InputError
from trustseg_lab.data.class_list import load_classes
from trustseg_lab.training import checkpoint
from trustseg_lab.training.away.gather import PLAN_FILE, Sources, classes_of, gather
from trustseg_lab.training.away.plan import load_plan

ALL = ("vgg", "lite", "second")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Sources]:
    return write_plan(tmp_path), Sources(tmp_path / "data", tmp_path / "objects", tmp_path)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_everything_that_is_named_is_laid_out_as_it_is_named(made: tuple[Path, Sources], tmp_path: Path) -> None:
    plan, sources = made
    told = gather(plan, ALL, sources, tmp_path / "out", False, print)
    assert told == {"members": list(ALL), "soft": [], "quality": None, "coarse_every": 1}
    found = files(tmp_path / "out")
    assert [name for name in found if name.startswith("idd/")] == [
        f"idd/{part}/{stem}.png" for part in ("images", "labels") for stem in ("000", "002", "003")
    ]  # 001 is kept apart by the table of splits
    assert [name for name in found if name.startswith(("plan/", ".cache"))] == [
        *sorted(f".cache/objects/{path.name}" for path in sources.objects.iterdir()),
        "plan/classes.yaml", "plan/plan.yaml", "plan/student.yaml", "plan/teacher.yaml",
    ]  # fmt: skip
    assert len([name for name in found if name.startswith(("train/", "val/"))]) == 2 * (16 + 6)
    for name in found:
        if not name.startswith(("plan", ".cache")):
            assert (tmp_path / "out" / name).read_bytes() == (sources.data / name).read_bytes()
    carried = load_plan(tmp_path / "out" / PLAN_FILE)
    assert load_classes(classes_of(tmp_path / "out", carried)) == CLASSES


def test_a_member_that_is_left_out_leaves_its_data_out(made: tuple[Path, Sources], tmp_path: Path) -> None:
    gather(made[0], ["vgg"], made[1], tmp_path / "out", False, print)
    assert not any(name.startswith(("idd", ".cache")) for name in files(tmp_path / "out"))


def test_smaller_images_keep_their_labels_and_fewer_coarse_ones_are_taken(
    made: tuple[Path, Sources], tmp_path: Path
) -> None:
    plan, sources = made
    rng = np.random.default_rng(0)
    for path in (sources.data / "train" / "images").iterdir():  # noise: a picture that PNG makes large
        cv2.imwrite(str(path), rng.integers(0, 256, (40, 48, 3), np.uint8))
    gather(plan, ALL, replace(sources, quality=50, every=2), tmp_path / "out", False, print)
    found = files(tmp_path / "out")
    assert "train/images/000.webp" in found
    assert "train/images/000.png" not in found
    assert [name for name in found if name.startswith("idd/labels")] == ["idd/labels/000.png", "idd/labels/003.png"]
    label = tmp_path / "out" / "train/labels/000.png"
    assert label.read_bytes() == (sources.data / "train/labels/000.png").read_bytes()


def test_what_the_teacher_says_is_carried_where_the_training_looks(made: tuple[Path, Sources], tmp_path: Path) -> None:
    from trustseg_lab.training.config import load_config
    from trustseg_lab.training.distil import soft_labels
    from trustseg_lab.training.train import load_set, start_run

    plan, sources = made
    config = load_config(plan.parent / "teacher.yaml")
    run = start_run(config, CLASSES, np.zeros((1, 40, 48, 3), np.uint8), "cpu", None)
    teacher = tmp_path / "teacher.safetensors"
    checkpoint.save_weights(teacher, run.network.state_dict(), checkpoint.describe(run.network.config, CLASSES))
    student = yaml.safe_load((plan.parent / "student.yaml").read_text())
    student["distil"]["teacher"] = teacher.name
    (plan.parent / "student.yaml").write_text(yaml.safe_dump(student))
    told = gather(plan, ALL, sources, tmp_path / "out", True, print)
    assert told["soft"] == ["lite"]
    (kept,) = (tmp_path / "out" / ".cache" / "soft").iterdir()
    data = load_set(
        config.data.train.model_copy(
            update={"images": tmp_path / "out/train/images", "labels": tmp_path / "out/train/labels"}
        ),
        CLASSES, 40, 48,
    )  # fmt: skip
    before = kept.stat().st_mtime_ns
    asked: list[int] = []
    soft_labels(teacher, CLASSES, data.images, cache=kept.parent, progress=lambda done, of: asked.append(done))
    assert asked == []
    assert kept.stat().st_mtime_ns == before


def test_what_is_missing_is_named(made: tuple[Path, Sources], tmp_path: Path) -> None:
    plan, sources = made
    with pytest.raises(InputError, match=r"no folder of data: .*/none"):
        gather(plan, ALL, replace(sources, data=tmp_path / "none"), tmp_path / "a", False, print)
    with pytest.raises(InputError, match=r"no library of objects in .*/none.*unknown\.library"):
        gather(plan, ALL, replace(sources, objects=tmp_path / "none"), tmp_path / "b", False, print)
    shutil.rmtree(sources.data / "val" / "images")
    with pytest.raises(InputError, match="val/images"):
        gather(plan, ALL, sources, tmp_path / "c", False, print)


@pytest.mark.parametrize("folder", ["/somewhere/images", "../images"])
def test_a_folder_that_cannot_be_carried_is_refused(made: tuple[Path, Sources], tmp_path: Path, folder: str) -> None:
    plan, sources = made
    config = yaml.safe_load((plan.parent / "teacher.yaml").read_text())
    config["data"]["train"]["images"] = folder
    (plan.parent / "teacher.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(InputError, match=f"relative folders, got {folder}"):
        gather(plan, ALL, sources, tmp_path / "out", False, print)


def test_sets_that_lie_in_folders_of_their_own_lose_nothing(made: tuple[Path, Sources], tmp_path: Path) -> None:
    plan, sources = made
    for part in ("images", "labels"):
        whole = sources.data / "train" / part
        for drive in ("a", "b"):  # with the same names in both
            shutil.copytree(whole, tmp_path / "moved" / part / drive)
        shutil.rmtree(whole)
        shutil.move(tmp_path / "moved" / part, whole)
    gather(plan, ["vgg"], sources, tmp_path / "out", False, print)
    expected = [name for name in files(sources.data) if name.startswith(("train/", "val/"))]
    assert len(expected) == 2 * (2 * 16 + 6)
    assert [name for name in files(tmp_path / "out") if not name.startswith("plan/")] == expected


def test_images_that_two_members_share_are_carried_with_the_labels_of_both(
    made: tuple[Path, Sources], tmp_path: Path
) -> None:
    plan, sources = made
    shutil.copytree(sources.data / "train" / "labels", sources.data / "train" / "other")
    student = yaml.safe_load((plan.parent / "student.yaml").read_text())
    student["data"]["train"]["labels"] = "train/other"
    (plan.parent / "student.yaml").write_text(yaml.safe_dump(student))
    gather(plan, ["vgg", "lite"], sources, tmp_path / "out", False, print)
    for part in ("labels", "other"):
        assert len(files(tmp_path / "out" / "train" / part)) == 16


def test_labels_that_could_not_be_read_there_are_refused_here(made: tuple[Path, Sources], tmp_path: Path) -> None:
    plan, sources = made
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]], np.uint8)
    for path in (sources.data / "train" / "labels").iterdir():
        ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), colours[np.minimum(ids, 2)][..., ::-1])
    rows = "".join(f"{c.name},{r},{g},{b}\n" for c, (r, g, b) in zip(CLASSES.classes, colours, strict=True))
    (sources.data / "train" / "labels" / "class_dict.csv").write_text("name,r,g,b\n" + rows)
    with pytest.raises(InputError, match="cannot be read where they are carried to"):
        gather(plan, ["vgg"], sources, tmp_path / "out", False, print)
