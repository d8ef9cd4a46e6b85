# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bundles: what a folder of graphs, card and verdict model must hold before any of it is used."""
