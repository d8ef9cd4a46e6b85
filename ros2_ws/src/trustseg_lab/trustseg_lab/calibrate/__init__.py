# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration: from views of labelled images to the confidence table and the image verdict."""
