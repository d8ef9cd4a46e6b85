# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`python -m trustseg_ros.blackbox`."""

from trustseg_ros.blackbox.node import main

raise SystemExit(main())
