# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How long a test waits for something to happen before it fails: nothing may ever be asserted to take so long.

Services, nodes and processes start in a second on an idle machine, and in a minute on one that six others keep busy.
TEST_WAIT_S says otherwise: mutants that answer nothing are found out sooner (scripts/proof.py).
"""

import os

WAIT_S = float(os.environ.get("TEST_WAIT_S", "200"))
