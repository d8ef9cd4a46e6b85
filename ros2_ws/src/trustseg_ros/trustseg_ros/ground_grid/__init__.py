# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ground in front of the camera as a grid: free, occupied, unknown."""
