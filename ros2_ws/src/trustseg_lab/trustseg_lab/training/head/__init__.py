# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The confidence head: its targets, its data, its fit on a frozen network."""
