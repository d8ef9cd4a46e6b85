# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""CVAT for images 1.1: one mask for each class of a frame, as run lengths within its box."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import numpy as np

from trustseg_lab.mining.exports.proposal import Mask, Proposal, hex_of


def write_cvat(proposal: Proposal) -> None:
    """cvat/annotations.xml to upload, and cvat/labels.json for the task's raw labels."""
    out = proposal.folder / "cvat"
    out.mkdir()
    labels = [
        {"name": name, "color": hex_of(colour), "type": "any", "attributes": []} for name, colour in proposal.listed
    ]
    (out / "labels.json").write_text(json.dumps(labels, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (out / "annotations.xml").open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
        file.write(_text(_meta(proposal)))
        for number, (name, ids) in enumerate(proposal.frames()):
            height, width = ids.shape
            image = ET.Element("image", id=str(number), name=name, width=str(width), height=str(height))
            for place, mask in proposal.masks(ids):
                told = {"label": proposal.listed[place][0], "source": "auto", "occluded": "0", "z_order": "0"}
                ET.SubElement(image, "mask", told | _runs(mask))
            file.write(_text(image))
        file.write("</annotations>\n")


def _meta(proposal: Proposal) -> ET.Element:
    meta = ET.Element("meta")
    task = ET.SubElement(meta, "task")
    for key, value in (("name", proposal.title), ("size", str(len(proposal.files))), ("mode", "annotation")):
        ET.SubElement(task, key).text = value
    listed = ET.SubElement(task, "labels")
    for name, colour in proposal.listed:
        label = ET.SubElement(listed, "label")
        ET.SubElement(label, "name").text = name
        ET.SubElement(label, "color").text = hex_of(colour)
        ET.SubElement(label, "attributes")
    return meta


def _runs(mask: Mask) -> dict[str, str]:
    """Box of a mask, and its runs row by row within it, the first of what is not set."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    inside = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    flat = np.concatenate([[False], inside.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(np.concatenate([[0], changes, [inside.size]]))
    return {
        "rle": ", ".join(map(str, runs.tolist())), "left": str(left), "top": str(top), "width": str(inside.shape[1]),
        "height": str(inside.shape[0]),
    }  # fmt: skip


def _text(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode") + "\n"
