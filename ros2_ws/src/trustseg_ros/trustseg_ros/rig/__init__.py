# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several cameras in one process: a segmentation node each, one engine for all of them, used in turn."""
