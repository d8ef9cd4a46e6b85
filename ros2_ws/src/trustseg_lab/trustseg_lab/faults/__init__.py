# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fault injection as a product: what can go wrong, how it is made to, and how it is judged. No ROS here."""
