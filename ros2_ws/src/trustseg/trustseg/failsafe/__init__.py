# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fail-safe: state machine, evidence, rates, checksums, ages. Standard library only: the monitor imports it."""
