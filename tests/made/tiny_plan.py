# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A plan of three tiny members with its data: a teacher, a student with every kind of set, and a third."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tiny_training import CLASSES, tiny_config, write_set
from trustseg_lab.training.unknown import library

COARSE = "set,stem,split\nidd,000,train\nidd,001,val\nidd,002,train\nidd,003,train\nother,000,val\n"


def write_plan(folder: Path, teachers_share: float = 0.3) -> Path:
    """Plan and configurations in `folder`/plan, data in `folder`/data, objects in `folder`/objects; the plan's path.

    `teachers_share`: of the minutes, beside 0.4 of the student.
    """
    base: dict[str, Any] = tiny_config(folder / "data", 1).model_dump(mode="json")
    for name in ("train", "val"):
        base["data"][name] = {"images": f"{name}/images", "labels": f"{name}/labels"}
    source = write_set(folder / "data" / "idd", 4, 3)
    (folder / "data" / "street_manifest.csv").write_text(COARSE)
    pictures = [np.full((20, 20, 4), 200, np.uint8) for _ in range(3)]
    for held_out in (False, True):
        library.save(library.library_path(folder / "objects", held_out), pictures)
    student = {
        **base,
        "model": {**base["model"], "unknown": True},
        "distil": {"teacher": "engines/nobody", "cache": ".cache/soft"},
        "coarse": {
            "source": {"images": f"idd/{source.images.name}", "labels": f"idd/{source.labels.name}"},
            "groups": [["left"], ["right"], ["spot"]], "void": 9,
        },
        "unknown": {"library": ".cache/objects", "drawn": 0, "road": ["left"], "beside": ["right"], "things": {}},
    }  # fmt: skip
    plan = {
        "classes": "classes.yaml",
        "members": {
            "vgg": {"config": "teacher.yaml", "share": teachers_share},
            "lite": {"config": "student.yaml", "teacher": "vgg", "share": 0.4},
            "second": {"config": "teacher.yaml", "share": 0.3},
        },
    }
    (folder / "plan").mkdir()
    for name, content in (
        ("plan", plan), ("classes", CLASSES.model_dump(mode="json", exclude_none=True)),
        ("teacher", base), ("student", student),
    ):  # fmt: skip
        (folder / "plan" / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / "plan" / "plan.yaml"
