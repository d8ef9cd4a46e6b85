# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The confidence head of a wrapped network: pixels, fit, and whether it is better than none."""
