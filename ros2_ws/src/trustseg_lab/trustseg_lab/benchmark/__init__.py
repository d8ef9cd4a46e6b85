# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every published way to tell a segmentation's failures, side by side: one interface, one protocol, one table."""
