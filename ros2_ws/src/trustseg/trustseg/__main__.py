# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`python -m trustseg` is the command `trustseg`."""

from trustseg.cli.start import main

main()
