# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands below another one, or behind an option of it: `trustseg faults soak`, `trustseg bench --replay`."""
