# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The passes of a bundle over a view: what runs them, what is kept of them, and where."""
