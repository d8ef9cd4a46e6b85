# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label formats of published data sets and of labelling tools: what each gives is ids of a `LabelSet`."""
