# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""COCO's instances: one crowd for each class of a frame, with packed run lengths."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from trustseg_lab.mining.exports.proposal import Proposal


def write_coco(proposal: Proposal) -> None:
    """coco/instances_default.json."""
    from pycocotools import mask as coco

    out = proposal.folder / "coco"
    out.mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, ids) in enumerate(proposal.frames(), start=1):
        images.append({"id": number, "file_name": name, "height": ids.shape[0], "width": ids.shape[1]})
        for place, mask in proposal.masks(ids):
            runs = coco.encode(np.asfortranarray(mask, np.uint8))
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": place + 1, "iscrowd": 1,
                "area": int(mask.sum()), "bbox": [float(each) for each in coco.toBbox(runs)],
                "segmentation": {"size": list(ids.shape), "counts": runs["counts"].decode("ascii")},
            })  # fmt: skip
    document = {
        "info": {"description": proposal.title}, "licenses": [], "images": images, "annotations": annotations,
        "categories": [
            {"id": i, "name": name, "supercategory": ""} for i, (name, _) in enumerate(proposal.listed, start=1)
        ],
    }  # fmt: skip
    (out / "instances_default.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
