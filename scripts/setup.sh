#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Makes .venv (Python packages, ROS 2 where none is installed) and builds the ROS workspace. ./demo.sh and ./test.sh call it.
#
#   scripts/setup.sh         what the command, the nodes and the demo need
#   scripts/setup.sh --dev   and what ./test.sh needs (linters, pytest, MkDocs, Ray, PyTorch)
#
# Quick when nothing changed (stamps hold a hash of every input); a run that was interrupted is taken up again; of two runs at
# once the second waits. TRUSTSEG_PYTHON names another interpreter. Exit code 2: something is missing on this machine.
set -Eeuo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$ROOT"
VENV=$ROOT/.venv
UNDERLAY=$VENV/ros-underlay.env # read by trustseg/host/ros_env.py too
LOCKS=$ROOT/requirements
TORCH=torch==2.13.0
DEV=0
[[ ${1:-} == --dev ]] && DEV=1

# Network, disk or compiler: whatever it was has spoken above; what is half done is thrown away by the next run.
trap 'say "stopped before it was ready; run the same command again to take it up"' ERR

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# An installed ROS 2 that is sourced wins over the wheels: its compiled messages only fit its own Python. The one that
# .venv was made with stays in force in a shell that has not sourced it (remove .venv to change to the wheels).
if [[ -z ${ROS_DISTRO:-} && -f $UNDERLAY ]]; then
    while IFS='=' read -r name value; do export "$name=$value"; done <"$UNDERLAY"
fi

ros_source() {
    local prefix
    if [[ -n ${ROS_DISTRO:-} ]]; then
        while IFS= read -r prefix; do
            [[ -n $prefix && $prefix != "$ROOT"/* && -d $prefix/share/rclpy ]] && { printf 'apt:%s' "$ROS_DISTRO"; return; }
        done < <(tr ':' '\n' <<<"${AMENT_PREFIX_PATH:-}")
    fi
    printf 'wheels'
}

HAS_VENV='import ensurepip, venv'
HAS_HEADERS='import sysconfig; open(sysconfig.get_paths()["include"] + "/Python.h")'

find_python() {
    local candidate check fits='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'
    [[ $ROS == apt:* ]] && fits='import rclpy'
    # The first that has everything, else the first of a right version (check_machine then says what it lacks).
    for check in "$HAS_VENV; $HAS_HEADERS; $fits" "$fits"; do
        for candidate in ${TRUSTSEG_PYTHON:-/usr/bin/python3 python3 python3.12 python3.11 python3.10}; do
            if "$candidate" -c "$check" >/dev/null 2>&1; then command -v "$candidate"; return; fi
        done
    done
}

# One line that names every missing package, so that a newcomer installs once and not four times.
check_machine() {
    local missing=()
    if [[ -z $PYTHON ]]; then
        [[ $ROS == apt:* ]] && die "no Python imports the rclpy of the sourced ROS 2 ($ROS_DISTRO); source its setup.bash again or open a shell without it"
        if command -v python3 >/dev/null; then
            say "$(python3 -V 2>&1) does not fit; TRUSTSEG_PYTHON can name another interpreter (Python 3.10 to 3.12)"
            missing+=(python3.11 python3.11-venv python3.11-dev)
        else
            missing+=(python3 python3-venv python3-dev)
        fi
    else
        "$PYTHON" -c "$HAS_VENV" >/dev/null 2>&1 || missing+=(python3-venv)
        "$PYTHON" -c "$HAS_HEADERS" >/dev/null 2>&1 || missing+=(python3-dev)
    fi
    command -v g++ >/dev/null || missing+=(g++)
    command -v make >/dev/null || missing+=(make)
    if ((${#missing[@]})); then
        say "this machine lacks: ${missing[*]} (wanted: Python 3.10 to 3.12 with venv and headers, g++, make). Install with:"
        printf '    sudo apt-get install -y %s\n' "${missing[*]}" >&2
        exit 2
    fi
    if [[ $ROS == wheels && $(uname -sm) != "Linux x86_64" ]]; then
        die "ROS 2 wheels exist for Linux x86_64 only and this is $(uname -sm); install ROS 2 (Humble or Jazzy), source it, and run again"
    fi
}

# Of the two Python packages only the packaging counts and which launch files there are: their sources are linked, not copied.
hash_of() {
    { printf '%s\n' "$VENV" "$ROS" "$PYTHON" "$("$PYTHON" -V 2>&1)"; sha256sum "$@"; } | sha256sum | cut -d' ' -f1
}

stamped() { [[ -f $VENV/.stamp-$1 && $(<"$VENV/.stamp-$1") == "$2" ]]; }
stamp() { printf '%s\n' "$2" >"$VENV/.stamp-$1.new" && mv "$VENV/.stamp-$1.new" "$VENV/.stamp-$1"; }

# Without PYTHONPATH: pip would take what lies there for installed.
pip_install() { env -u PYTHONPATH "$VENV/bin/python" -m pip install -qq --no-input --disable-pip-version-check "$@"; }
pip_locked() { pip_install --no-deps --no-build-isolation "$@"; }

make_venv() {
    local apt='' ros=("-r" "$LOCKS/ros.txt") flags=()
    # The messages of an apt ROS 2 were compiled for NumPy 1.
    [[ $ROS == apt:* ]] && apt=-apt ros=() flags=(--system-site-packages)
    say "making .venv with $("$PYTHON" -V 2>&1) and ROS 2 from ${ROS%%:*} (one to three minutes, about 1.4 GB)"
    rm -rf "$VENV"
    "$PYTHON" -m venv ${flags[@]+"${flags[@]}"} "$VENV"
    pip_locked --require-hashes -r "$LOCKS/toolchain.txt"
    pip_locked --require-hashes -r "$LOCKS/runtime$apt.txt" -r "$LOCKS/lab$apt.txt" -r "$LOCKS/build.txt" ${ros[@]+"${ros[@]}"}
    if [[ $ROS == wheels ]]; then
        "$VENV/bin/python" "$ROOT/scripts/patch_ros_wheels.py" >&2
    else
        for name in ROS_DISTRO AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH LD_LIBRARY_PATH; do
            printf '%s=%s\n' "$name" "${!name:-}"
        done >"$UNDERLAY"
    fi
}

build_workspace() {
    local log=$ROOT/ros2_ws/log/build.txt
    say "building the ROS workspace (about 20 seconds)"
    # What a finished build left is built upon; what an interrupted one or another environment left is not.
    [[ -f $VENV/.stamp-build ]] || rm -rf "$ROOT/ros2_ws/build" "$ROOT/ros2_ws/install" "$ROOT/ros2_ws/log"
    rm -f "$VENV/.stamp-build"
    # Built upon what an older state of the sources left, a file that moved since can end it: then all is built anew.
    if [[ -d $ROOT/ros2_ws/build ]]; then
        if colcon_build "$log"; then return; fi
        say "building anew: what an older state of the sources left does not fit"
        rm -rf "$ROOT/ros2_ws/build" "$ROOT/ros2_ws/install"
    fi
    if ! colcon_build "$log"; then
        tail -n 40 "$log" >&2
        say "the build failed; all of its output is in ros2_ws/log/build.txt"
        exit 1
    fi
}

colcon_build() {
    local log=$1
    mkdir -p "$ROOT/ros2_ws/log"
    (
        cd "$ROOT/ros2_ws"
        export PATH=$VENV/bin:$PATH COLCON_LOG_PATH=$ROOT/ros2_ws/log
        if [[ $ROS == wheels ]]; then
            export AMENT_PREFIX_PATH=$VENV CMAKE_PREFIX_PATH=$VENV
            unset PYTHONPATH ROS_DISTRO COLCON_PREFIX_PATH
        fi
        "$VENV/bin/python" -m colcon build --merge-install --symlink-install \
            --cmake-args -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$VENV/bin/python" --no-warn-unused-cli
    ) >"$log" 2>&1
}

link_packages() {
    pip_locked -e "$ROOT/ros2_ws/src/trustseg" -e "$ROOT/ros2_ws/src/trustseg_ros" -e "$ROOT/ros2_ws/src/trustseg_lab"
    # The programs that colcon linked into lib/trustseg_ros find their functions by these names; nobody wants them on a PATH.
    (cd "$VENV/bin" && rm -f segmenter monitor segmenter_rig rig_monitor ground_grid point_labels blackbox operations camera recorder injector video_decoder)
}

ROS=$(ros_source)
PYTHON=$(find_python)
check_machine
VENV_HASH=$(hash_of "$LOCKS"/{toolchain,build,ros,runtime,lab,runtime-apt,lab-apt}.txt scripts/patch_ros_wheels.py)
mapfile -t BUILD_INPUTS < <(find ros2_ws/src -type f \( -path '*/trustseg_interfaces/*' -o -name setup.py -o -name setup.cfg -o -name package.xml \) \
    -not -path '*/.*' | LC_ALL=C sort)
BUILD_HASH=$VENV_HASH$(hash_of scripts/setup.sh "${BUILD_INPUTS[@]}")$(find ros2_ws/src/trustseg_ros/launch -type f | LC_ALL=C sort | sha256sum | cut -d' ' -f1)
DEV_HASH=$VENV_HASH$(hash_of "$LOCKS"/{dev,ray,security,docs}.txt)$TORCH

ready() { stamped venv "$VENV_HASH" && stamped build "$BUILD_HASH" && { ((!DEV)) || stamped dev "$DEV_HASH"; }; }
ready && exit 0

mkdir -p .cache
exec 9>.cache/setup.lock
if ! flock --nonblock 9; then
    say "another set-up runs in this folder; waiting for it"
    flock 9
fi
ready && exit 0

# Each stamp goes before its stage begins and comes back when the stage is done: a stage that was cut short is done again from scratch.
if ! stamped venv "$VENV_HASH"; then
    rm -f "$VENV"/.stamp-*
    make_venv
    stamp venv "$VENV_HASH"
fi
if ! stamped build "$BUILD_HASH"; then
    build_workspace
    link_packages
    stamp build "$BUILD_HASH"
fi
if ((DEV)) && ! stamped dev "$DEV_HASH"; then
    rm -f "$VENV/.stamp-dev"
    say "installing what the tests need (linters, pytest, MkDocs, Ray, PyTorch)"
    pip_locked --require-hashes -r "$LOCKS/dev.txt" -r "$LOCKS/ray.txt" -r "$LOCKS/security.txt" -r "$LOCKS/docs.txt"
    # PyTorch alone is not hash-locked: its wheel differs with the machine (CPU or CUDA build).
    pip_install "$TORCH"
    stamp dev "$DEV_HASH"
fi
say "ready"
