# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The chosen frames with their proposed labels, as labelling tools import them."""
