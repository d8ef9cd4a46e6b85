# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults made to happen to real processes over ROS: the injector, what drives it, and what judges it."""
