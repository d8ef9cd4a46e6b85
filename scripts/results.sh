#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Measures a bundle and writes the tables of docs/results.md: every figure there comes from this script.
#   scripts/results.sh BUNDLE DATA OUT            val, KITTI, rendered scenes, corruptions
#   scripts/results.sh BUNDLE DATA OUT --test     CamVid test instead, all baselines and intervals in ONE run: once per
#                                                 released bundle, never to choose anything by
# DATA holds camvid/ and kitti/; OUT is a folder for metrics.json and report.html of each part. A part that is there
# already is left as it is. PASSES (10) of MC dropout, EVERY (1): one image of N, BASELINES (all; a list, or none),
# ENSEMBLE (none): other bundles of a deep ensemble, THREADS (2): 1 is far quicker on a machine with other work.
set -euo pipefail
if (($# < 3)); then
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
bundle=$1 data=$2 out=$3 part=${4:-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
trustseg=$root/.venv/bin/trustseg
baselines=${BASELINES:-all}
runs() { [[ ,$baselines, == *,all,* || ,$baselines, == *,$1,* ]]; }
fit=() threads=(--threads "${THREADS:-2}") more=(--every "${EVERY:-1}" --bootstrap 1000)
[[ $baselines == none ]] || more+=(--baselines "$baselines")
if runs mc_dropout; then more+=(--passes "${PASSES:-10}"); fi
if runs temperature; then fit+=(--fit-on "$data/camvid/val:$data/camvid/valannot:11"); fi
if runs trust_score; then fit+=(--train-data "$data/camvid/train:$data/camvid/trainannot:11"); fi
for each in ${ENSEMBLE:-}; do more+=(--ensemble "$each"); done

measure() { # name, options
    local name=$1
    shift
    [[ -e $out/$name/metrics.json ]] || "$trustseg" evaluate --bundle "$bundle" "${threads[@]}" --out "$out/$name" "$@"
}

if [[ $part == --test ]]; then
    measure camvid_test --dataset camvid --root "$data" --split test "${more[@]}"
else
    scenes=$out/scenes
    [[ -d $scenes ]] || "$trustseg" scenes --random --seed 9500 --frames 100 --out "$scenes"
    measure camvid_val --dataset camvid --root "$data" --split val "${more[@]}"
    measure kitti --dataset kitti --root "$data" "${fit[@]}" "${more[@]}"
    measure rendered --images "$scenes/images" --labels "$scenes/labels" "${fit[@]}" "${more[@]}"
    measure corrupted --dataset camvid --root "$data" --split val --every "${CORRUPT_EVERY:-10}" \
        --corrupt clean,imagenet_c:3,imagenet_c:5,faults:3,faults:5
fi
"$root/.venv/bin/python" "$root/scripts/results_tables.py" "$out" "$root/docs/results.md"
