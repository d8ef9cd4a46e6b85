# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two sets of replay results side by side: what changed on the way from one to the other."""
