#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# The product at work: a drive with trouble on the way through the real nodes, pictures and a summary in out/demo.
#   ./demo.sh                  a rendered drive
#   ./demo.sh --input FILE     your own video, bag (.mcap, .db3 folder) or folder of images
#   ./demo.sh --help           everything else
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
"$here/scripts/setup.sh" || exit $?
exec "$here/.venv/bin/trustseg" run "$@"
