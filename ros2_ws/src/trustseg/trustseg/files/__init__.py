# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files of ours: confined paths, files with a known owner, results that are whole or not there."""
