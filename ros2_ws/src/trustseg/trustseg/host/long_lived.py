# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What lives as long as its process is no business of Python's garbage collector."""

from __future__ import annotations

import gc


def keep_for_good() -> None:
    """Let the collector never look again at any object that lives now; what is already garbage is freed first.

    A whole round of the collector stops every thread of the process. With the libraries of a segmentation node it took
    40 to 50 ms on a slow processor: longer than the lease of the node's liveliness at a latency budget of 50 ms. What
    is kept here is still freed when nothing refers to it any more; only cycles of it are not. Call it when start-up is
    over, and again after a library was loaded late.
    """
    gc.collect()
    gc.freeze()
