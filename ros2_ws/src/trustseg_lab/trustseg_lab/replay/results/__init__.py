# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a replay writes: tables, summary, report, events, annotated bag, gate."""
