# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How good masks, confidence and verdicts of a bundle are on labelled images."""
