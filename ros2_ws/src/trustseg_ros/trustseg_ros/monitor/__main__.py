# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`python -m trustseg_ros.monitor.node` is the node."""

import sys

from trustseg_ros.monitor.node import main

sys.exit(main())
