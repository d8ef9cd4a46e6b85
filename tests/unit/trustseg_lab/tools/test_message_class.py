# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Types that a bag names: only messages of installed packages are imported, and nothing else is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trustseg_lab.tools.message_class import message_class

EVIL = "import pathlib\npathlib.Path({mark!r}).write_text('ran')\nclass Thing: pass\nclass Bool: pass\n"


def test_installed_messages_are_found() -> None:
    from sensor_msgs.msg import Image
    from trustseg_interfaces.msg import FailureState

    assert message_class("sensor_msgs/msg/Image") is Image
    assert message_class("trustseg_interfaces/msg/FailureState") is FailureState


@pytest.mark.parametrize(
    "kind",
    ["sensor_msgs/msg/Nothing", "no_such_package/msg/Thing", "sensor_msgs/Image", "sensor_msgs/srv/SetCameraInfo", "",
     "os/msg/path", "os/msg/Path", "os.path/msg/Thing", "../evil/msg/Thing", "sensor_msgs/msg/__doc__", "a/b/c/d",
     "sensor_msgs/msg/Image/msg/Image", "sensor_msgs/msg/Image\n", "Sensor/msg/Image", "x" * 300 + "/msg/Thing",
     "sensor_msgs\0/msg/Image"],
)  # fmt: skip
def test_other_names_are_none(kind: str) -> None:
    assert message_class(kind) is None


def plant(folder: Path, package: str, mark: Path) -> None:
    for file in (folder / package / "__init__.py", folder / package / "msg" / "__init__.py"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(EVIL.format(mark=str(mark)))


@pytest.mark.parametrize("package", ["evil_msgs", "shape_msgs", "json"])
def test_a_folder_beside_the_bag_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Also not under the name of a message package that is installed: the first on the path would run."""
    mark = tmp_path / "mark"
    plant(tmp_path, package, mark)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == package}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    assert message_class(f"{package}/msg/Thing") is None
    assert message_class(f"{package}/msg/Plane") is None
    assert not mark.exists()


def test_a_package_that_registers_messages_elsewhere_does_not_lend_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An overlay lists the package, Python would take another of that name: refused."""
    index = tmp_path / "overlay" / "share" / "ament_index" / "resource_index" / "rosidl_interfaces"
    index.mkdir(parents=True)
    (index / "evil_msgs").write_text("msg/Thing.msg\n")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "overlay"))
    plant(tmp_path / "cwd", "evil_msgs", tmp_path / "mark")
    monkeypatch.syspath_prepend(str(tmp_path / "cwd"))
    assert message_class("evil_msgs/msg/Thing") is None
    assert not (tmp_path / "mark").exists()
    plant(tmp_path / "overlay", "evil_msgs", tmp_path / "mark")
    monkeypatch.syspath_prepend(str(tmp_path / "overlay"))
    assert message_class("evil_msgs/msg/Thing") is not None  # the overlay's own
