# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`python -m trustseg_ros.rig_monitor` is the node."""

import sys

from trustseg_ros.rig_monitor.node import main

sys.exit(main())
