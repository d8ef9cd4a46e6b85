# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A bridge to operations: metrics, the state of the machine, and where the time of a frame goes."""
