# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Timing: what engine, pipeline and ROS cost against the budget of the path."""
