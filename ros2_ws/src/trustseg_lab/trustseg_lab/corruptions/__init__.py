# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Corruptions of images: ImageNet-C, camera faults, weather."""
