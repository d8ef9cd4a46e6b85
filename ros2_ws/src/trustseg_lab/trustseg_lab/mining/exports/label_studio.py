# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label Studio's tasks with predictions: one brush stroke for each class of a frame, in its own run lengths."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote

from trustseg_lab.data.formats.brush_runs import pack
from trustseg_lab.mining.exports.proposal import Proposal, hex_of


def write_label_studio(proposal: Proposal) -> None:
    """label-studio/tasks.json to import, and config.xml for the project's labelling interface.

    Images are addressed as local files, with the folder that holds images/ as Label Studio's document root.
    """
    out = proposal.folder / "label-studio"
    out.mkdir()
    rows = "".join(
        f'    <Label value="{escape(name)}" background="{hex_of(colour)}"/>\n' for name, colour in proposal.listed
    )
    (out / "config.xml").write_text(
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n  <BrushLabels name="label" toName="image">\n'
        f"{rows}  </BrushLabels>\n</View>\n",
        encoding="utf-8",
    )
    with (out / "tasks.json").open("w", encoding="utf-8") as file:
        for number, (name, ids) in enumerate(proposal.frames()):
            height, width = ids.shape
            result = [
                {
                    "id": f"{number}-{place}", "type": "brushlabels", "from_name": "label", "to_name": "image",
                    "original_height": height, "original_width": width, "image_rotation": 0,
                    "value": {"format": "rle", "rle": pack(mask), "brushlabels": [proposal.listed[place][0]]},
                }
                for place, mask in proposal.masks(ids)
            ]  # fmt: skip
            address = f"/data/local-files/?d=images/{quote(name)}"
            task = {
                "data": {"image": address, "height": height, "width": width},
                "predictions": [{"model_version": proposal.title, "result": result}],
            }
            file.write(("[" if number == 0 else ",\n") + json.dumps(task, ensure_ascii=False))
        file.write("]\n")
