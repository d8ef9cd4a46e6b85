# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What methods learn from: pixels, regions and whole images as rows of numbers."""
