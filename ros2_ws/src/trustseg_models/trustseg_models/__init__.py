# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trained bundles and their calibration: data in share/trustseg_models. `trustseg.load("segnet_lite")` finds it."""
