# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From images and labels to a checkpoint, a confidence head and a bundle."""
