# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published ways to score a mask's pixels, on the very predictions that the bundle gives."""
