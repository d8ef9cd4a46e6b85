# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recordings of cameras: bags of every storage, videos and folders of images, by one reader."""
