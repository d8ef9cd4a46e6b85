# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What arrives from the camera: subscriptions, numbering and calibration."""
