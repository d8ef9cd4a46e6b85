#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Writes the lock files requirements/*.txt from requirements/*.in (needs `uv` on the PATH; a developer's tool only).
# One resolution a file, each held to the versions of the files before it, so that all of them install together.
#   scripts/lock.sh            keep the versions that are locked where they still fit
#   scripts/lock.sh --upgrade  take the newest ones
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../requirements"

upgrade=()
[[ ${1:-} == --upgrade ]] && upgrade=(--upgrade)

compile() { # name, then the locks that it must agree with, or options of uv
    local name=$1 held=() options=()
    shift
    while [[ ${1:-} == --* ]]; do options+=("$1") && shift; done
    for lock in "$@"; do held+=(-c "$lock.txt"); done
    # empy 3.3.4 has no wheel; nothing else may run a setup.py on a user's machine.
    uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --no-emit-find-links --only-binary :all: --no-binary empy --allow-unsafe \
        ${options[@]+"${options[@]}"} ${upgrade[@]+"${upgrade[@]}"} ${held[@]+"${held[@]}"} "$name.in" -o "$name.txt"
}

compile toolchain
compile runtime toolchain
compile lab toolchain runtime
compile runtime-apt toolchain
compile lab-apt toolchain runtime-apt
compile build toolchain runtime lab
compile ros toolchain runtime lab build
compile dev toolchain runtime lab build
compile ray toolchain runtime lab build dev
compile mutation toolchain runtime lab build dev
compile security toolchain runtime lab build dev ray
compile docs toolchain runtime lab build dev ray security
compile fuzz toolchain runtime lab build dev
# Without PyTorch and its CUDA, which they would bring along.
compile architectures --no-deps toolchain runtime lab build dev
