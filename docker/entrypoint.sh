#!/bin/bash
# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
# Runs a command with ROS 2 and TrustSeg on its paths. The process it starts is the container's first, so it gets signals.
set -e
# ROS's own files read variables that may be unset.
set +u
source /opt/ros/humble/setup.bash
source /opt/trustseg/setup.bash
set -u
exec "$@"
