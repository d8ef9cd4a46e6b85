# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images as files and messages hold them: headers, orientation, decoding within bounds, and pictures of results."""
