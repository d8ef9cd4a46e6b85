# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small networks that learn from few labels and many images without: their recipes, and how they are read."""
