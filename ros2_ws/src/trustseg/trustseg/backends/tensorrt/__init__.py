# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT: building plans, running them, and what a graph must be for both."""
