# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures and labels as they lie on a disk: which files belong together, and the class ids that a label file holds."""

from trustseg_lab.data.folders import (
    COMPANION,
    IMAGE_SUFFIXES,
    ImageFolder,
    list_images,
    natural_order,
    on_one_line,
    passed_over,
    shown,
)
from trustseg_lab.data.label_pixels import decode_labels, ids_outside, known_ids, read_labels
from trustseg_lab.data.pairs import EQUAL, KNOWN_NAMES, LabelNames, files_by_stem, paired_files, recognised_names

__all__ = [
    "COMPANION",
    "EQUAL",
    "IMAGE_SUFFIXES",
    "KNOWN_NAMES",
    "ImageFolder",
    "LabelNames",
    "decode_labels",
    "files_by_stem",
    "ids_outside",
    "known_ids",
    "list_images",
    "natural_order",
    "on_one_line",
    "paired_files",
    "passed_over",
    "read_labels",
    "recognised_names",
    "shown",
]
