# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""For a planner's own process: the guard of the verdict, and outputs of one frame together."""
