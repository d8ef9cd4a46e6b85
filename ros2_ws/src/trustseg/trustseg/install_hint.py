# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a package of this repository is installed: from the checkout, never by its name from an index.

On an index anybody could register such a name.
"""

from __future__ import annotations

SOURCES = "./ros2_ws/src"


def pip_install(package: str, extra: str = "") -> str:
    """The command that installs `package` ("trustseg", "trustseg_lab") with an extra of it, from the checkout."""
    path = f"{SOURCES}/{package}"
    return "in the checkout of TrustSeg, pip install -e " + (f"'{path}[{extra}]'" if extra else path)


def install_package(package: str) -> str:
    """Every way to install a package that is missing whole."""
    return f"install it: scripts/setup.sh or {pip_install(package)}; or colcon build --packages-up-to {package}"
