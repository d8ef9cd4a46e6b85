# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How well a score ranks right above wrong: figures that a monotone change of the score leaves as they are."""
