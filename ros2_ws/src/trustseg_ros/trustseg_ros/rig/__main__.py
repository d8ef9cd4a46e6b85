# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`python -m trustseg_ros.rig` is the process."""

import sys

from trustseg_ros.rig.node import main

sys.exit(main())
