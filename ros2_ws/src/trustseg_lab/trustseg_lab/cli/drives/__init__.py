# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands on drives and recordings: run, replay, play, record, watch, mine, drift."""
