#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Trains the VGG form, the lite network and the second member where a GPU is at hand; without one the same on the CPU.
#   scripts/on_gpu.sh pack ARCHIVE --data FOLDER [--quality Q] [--coarse-every N] [--only MEMBERS] [--soft]
#                                                here: what they learn from, in one file of at most 60 MB
#   scripts/on_gpu.sh train ARCHIVE OUT [--minutes 10] [--only lite,second,vgg]
#                                                there: half-precision checkpoints, logs and results in OUT
#   scripts/on_gpu.sh join OUT/NAME.parts.json CHECKPOINT      a checkpoint that came back in parts
# `train` again goes on where it was stopped; what only that needs lies in OUT.work. More: docs/own_data.md, --help.
# PYTHON names another Python than .venv's; nothing is installed.
set -euo pipefail
usage() { sed -n '4,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case ${1:-} in
    pack) (($# >= 2)) || usage ;;
    train | join) (($# >= 3)) || usage ;;
    *) usage ;;
esac
python=${PYTHON:-$root/.venv/bin/python}
[[ -n ${PYTHON:-} || -x $python ]] || python=python3
for package in trustseg trustseg_lab; do
    PYTHONPATH=$root/ros2_ws/src/$package${PYTHONPATH:+:$PYTHONPATH}
done
export PYTHONPATH
# Names of packages where they differ from those of their modules.
missing=$("$python" - <<'PY'
from importlib.util import find_spec

needed = {"torch": "torch", "numpy": "numpy", "cv2": "opencv-python-headless", "pydantic": "pydantic", "yaml": "pyyaml",
          "safetensors": "safetensors", "onnxruntime": "onnxruntime", "typer": "typer", "rich": "rich"}
print(" ".join(package for module, package in needed.items() if find_spec(module) is None))
PY
)
if [[ -n $missing ]]; then
    printf 'on_gpu: %s lacks %s; install: %s -m pip install %s\n' "$python" "$missing" "$python" "$missing" >&2
    exit 2
fi
exec "$python" -m trustseg_lab.training.away --tree "$root" "$@"
