# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What an integrator needs besides the code: who may say what on the ROS network, what is inside, what is known."""
