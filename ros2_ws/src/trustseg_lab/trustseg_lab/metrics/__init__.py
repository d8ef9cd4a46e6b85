# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metrics of masks, confidences and verdicts; nothing here knows how they were made."""
