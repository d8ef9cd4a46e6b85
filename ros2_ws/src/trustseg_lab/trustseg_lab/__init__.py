# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The laboratory: recordings, evaluation, calibration, training, faults and demo. A vehicle does without it."""

# Before any module of this package, and so before any backend that one imports: nothing here reports to its maker.
import trustseg  # noqa: F401
