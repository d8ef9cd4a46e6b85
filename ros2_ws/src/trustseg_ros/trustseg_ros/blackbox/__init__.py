# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The black box `trustseg_blackbox`: the last seconds in memory, and on disk what lay around a failure."""

NICENESS = 10  # of the whole process, before anything is loaded
