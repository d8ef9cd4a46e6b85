# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""IoU of single segments of a mask.

IoU_adj (Rottmann et al., 2020): only those pixels of the truth's segments of the same class count that no other
predicted segment of the class covers, so that a segment is not blamed for its neighbour's part.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array

Int32Array = npt.NDArray[np.int32]


def adjusted_iou(
    ids: Int32Array, class_of: UInt8Array, real_ids: Int32Array, real_class_of: UInt8Array, labels: UInt8Array,
    known: npt.NDArray[np.bool_],
) -> Float32Array:  # fmt: skip
    """IoU_adj of each of n predicted segments, float32 (n,); NaN where its truth is all void.

    Args:
        ids: int32 (h, w), predicted segment of each pixel, 0 .. n - 1; -1 outside of all.
        class_of: uint8 (n,), class of each. real_ids, real_class_of: the same of the truth.
        labels: uint8 (h, w), the mask. known: bool (h, w), False where the truth is void.
    """
    count = len(class_of)
    inside = (ids >= 0) & known
    own, other = ids[inside], real_ids[inside]
    pairs, size = np.unique(np.stack([own, other]), axis=1, return_counts=True)
    same = pairs[1] >= 0
    pairs, size = pairs[:, same], size[same]
    same = real_class_of[pairs[1]] == class_of[pairs[0]]
    pairs, size = pairs[:, same], size[same]
    hit = np.bincount(pairs[0], size, minlength=count)
    seen = np.bincount(own, minlength=count).astype(np.float64)
    # Pixels of the touched real segments that the mask gives to another class, or to no kept segment of this class.
    outside = np.bincount(pairs[0], _uncovered(real_ids, real_class_of, labels)[pairs[1]], minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(seen > 0, hit / (seen + outside), np.nan), np.float32)


def _uncovered(real_ids: Int32Array, real_class_of: UInt8Array, labels: UInt8Array) -> npt.NDArray[np.float64]:
    """Pixels of each real segment whose predicted class is another one, float64 (n,)."""
    inside = real_ids >= 0
    ids = real_ids[inside]
    wrong = labels[inside] != real_class_of[ids]
    return np.bincount(ids[wrong], minlength=len(real_class_of)).astype(np.float64)
