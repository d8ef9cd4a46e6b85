# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Malformed files for every reader: each is read right, or refused in one line; nothing else may happen."""
