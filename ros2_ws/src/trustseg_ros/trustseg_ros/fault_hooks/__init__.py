# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Faults inside the segmentation node: off unless `fault_injection` asks for them, and never silent."""
