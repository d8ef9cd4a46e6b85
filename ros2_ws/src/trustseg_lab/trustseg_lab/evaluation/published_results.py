# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published figures that stand beside ours, in per cent: SegNet on CamVid test, 12 classes with void counted.

Corbiere et al., Addressing Failure Prediction by Learning Model Confidence, NeurIPS 2019.
"""

from __future__ import annotations

SOURCE = "Corbiere et al., NeurIPS 2019: SegNet, CamVid test, void as a twelfth class"
METRICS = ("fpr95", "aupr_error", "aupr_success", "auroc")

# Score of ours -> (what the paper calls it, figures in the order of `METRICS`; None: not given).
PUBLISHED: dict[str, tuple[str, tuple[float | None, float | None, float | None, float | None]]] = {
    "mcp": ("MCP", (63.87, 48.53, 96.37, 84.42)),
    "mc_dropout": ("MC dropout, 50 passes", (62.95, 49.35, 96.40, 84.58)),
    "trust_score": ("Trust Score", (None, 20.42, 92.72, 68.33)),
    "fused": ("ConfidNet, TCP", (61.52, 50.51, 96.58, 85.02)),
}
