# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 nodes of TrustSeg, and the guard for a planner."""
