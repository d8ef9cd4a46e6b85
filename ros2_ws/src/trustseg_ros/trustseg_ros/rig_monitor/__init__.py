# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The failure monitor of a rig: one flag from the verdicts of its cameras' monitors."""
