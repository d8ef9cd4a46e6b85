# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Unknown objects: pasted into street images, learned from, and measured with held-out ones."""
