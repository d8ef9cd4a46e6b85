# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands of the laboratory; `trustseg` finds them by entry points."""
