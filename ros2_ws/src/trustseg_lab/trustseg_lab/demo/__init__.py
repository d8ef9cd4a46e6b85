# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The demo drive: real nodes on a rendered or recorded drive, and what it leaves behind."""
