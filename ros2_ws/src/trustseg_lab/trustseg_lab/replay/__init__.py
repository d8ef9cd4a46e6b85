# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recorded drives through the pipeline: verdict by verdict, gates, reports."""
