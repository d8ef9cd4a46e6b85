# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far an image is from good ones: PCA of their embeddings, Mahalanobis in it, plain distance off it.

distance = sqrt((sum z_k^2 / variance_k + |residual|^2 / residual_variance) / (k + 1))  (Lee et al., NeurIPS 2018, with
the off-subspace term of Tipping and Bishop's probabilistic PCA).
"""

from __future__ import annotations

import numpy as np

from trustseg.bundle.verdict_file import OodModel
from trustseg_lab.metrics.score_histogram import Floats

# Directions beyond these are noise of a few hundred scenes; they enter together, as the residual.
EXPLAINED_SHARE = 0.95
MOST_COMPONENTS = 12


def fit_ood_model(names: list[str], embedding: Floats, limit: float) -> OodModel:
    """Density of good images.

    Args:
        names: E feature names.
        embedding: float64 (n, E) of good images, n >= 2.
        limit: OOD score above which an image is called out of distribution.
    """
    mean = embedding.mean(axis=0)
    centred = embedding - mean
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    variance = singular**2 / max(len(embedding) - 1, 1)
    total = float(variance.sum())
    enough = int(np.searchsorted(np.cumsum(variance), EXPLAINED_SHARE * total)) + 1
    count = max(1, min(enough, MOST_COMPONENTS, len(variance) - 1))
    # A floor under each variance: a direction that hardly varied among good images must not decide alone.
    floor = 1e-3 * total / len(names) + 1e-12
    residual = max(float(variance[count:].sum()), floor)
    return OodModel(
        features=names, mean=mean.round(7).tolist(), basis=directions[:count].round(7).tolist(),
        variance=np.maximum(variance[:count], floor).tolist(), residual_variance=residual, limit=limit,
    )  # fmt: skip
