# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera's pixels and the network's: what is wanted (no NumPy in it), the calibration, and the way between them."""
