#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Makes the other precisions of a bundle from its fp32 graph, as the released one was, and proves each: run it after every
# new fp32 graph or calibration.
#   scripts/precisions.sh BUNDLE IMAGES CALIBRATE-OPTIONS...
# IMAGES: pictures for int8's ranges. What follows goes to `trustseg calibrate`. segnet_lite_plain, with D the folder of CamVid:
#   scripts/precisions.sh segnet_lite_plain $D/train --data $D/val:$D/valannot:11 --seen $D/train:$D/trainannot:11 --limit 150 --scenes 150
set -euo pipefail
TRUSTSEG=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/.venv/bin/trustseg
[[ $# -ge 3 ]] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
bundle=$1 images=$2
shift 2

"$TRUSTSEG" export --bundle "$bundle" --precision fp16
if ! "$TRUSTSEG" verify --bundle "$bundle" --precision fp16; then
    # Too far from fp32 for what was fitted there: fp16 gets its own.
    "$TRUSTSEG" calibrate --bundle "$bundle" --precision fp16 "$@"
fi
"$TRUSTSEG" export --bundle "$bundle" --precision int8 --images "$images"
"$TRUSTSEG" calibrate --bundle "$bundle" --precision int8 "$@"
for precision in fp32 fp16 int8; do
    "$TRUSTSEG" verify --bundle "$bundle" --precision "$precision"
done
