# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a run come from: other networks, deeper, narrower, two in one, or mixed."""
