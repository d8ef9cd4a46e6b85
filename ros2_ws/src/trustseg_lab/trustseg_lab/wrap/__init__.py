# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Anybody's segmentation network as a bundle: its ONNX graph read, made plain, and put inside ours."""
