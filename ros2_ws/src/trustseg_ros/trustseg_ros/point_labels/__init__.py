# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Class and confidence for the points of a cloud, from the mask that was made nearest in time."""
