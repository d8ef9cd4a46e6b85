# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What nodes share: parameters, quality of service, life of a process, checksums."""
