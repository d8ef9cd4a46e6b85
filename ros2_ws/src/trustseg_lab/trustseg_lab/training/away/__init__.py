# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training on another machine, one with a GPU that is lent for minutes: data there, checkpoints back."""
