# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The earlier place of `trustseg_ros.planner.guard`: a planner that imports from here goes on as before."""

from trustseg_ros.planner.guard import FailureGuard

__all__ = ["FailureGuard"]
