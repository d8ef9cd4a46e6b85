# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundles: what a folder of graphs, card and verdict model must hold before any of it is used."""

# The bundle that every command, node and function takes when none is named. Launch files, which import nothing of this
# package, hold the same text; a test compares them.
DEFAULT_BUNDLE = "segnet_lite"
