# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The failure monitor: the only authority on whether a planner may trust the masks."""
