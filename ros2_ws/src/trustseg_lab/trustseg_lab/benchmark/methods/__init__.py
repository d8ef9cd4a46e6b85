# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One file a family of methods; `trustseg_lab.benchmark.registry` names them all."""
