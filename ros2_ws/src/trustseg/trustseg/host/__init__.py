# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The machine that a process runs on: hardware, packages, ROS environment, sockets."""
