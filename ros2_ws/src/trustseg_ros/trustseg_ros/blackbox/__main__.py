# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`python -m trustseg_ros.blackbox`."""

import os

from trustseg_ros.blackbox import NICENESS

os.nice(NICENESS)

from trustseg_ros.blackbox.node import main  # noqa: E402

raise SystemExit(main())
