# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Entry points of the executables: Ctrl-C while a node's libraries are still being imported leaves no traceback.

Standard library only, and not much of it: what is imported here is imported before that holds.
"""

import signal


def _take_over() -> None:
    """SIGINT ends this process by the signal, as it would a program in C, until `spin_node` hands it to ROS."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def segmenter() -> int:
    """The segmentation node."""
    _take_over()
    from trustseg.host import installed

    installed.refuse_old(installed.OF_FRAMES)
    from trustseg_ros.segmenter.node import main

    return main()


def monitor() -> int:
    """The failure monitor."""
    _take_over()
    from trustseg_ros.monitor.node import main

    return main()


def segmenter_rig() -> int:
    """The segmentation nodes of several cameras."""
    _take_over()
    from trustseg.host import installed

    installed.refuse_old(installed.OF_FRAMES)
    from trustseg_ros.rig.node import main

    return main()


def rig_monitor() -> int:
    """The failure monitor of a rig of cameras."""
    _take_over()
    from trustseg_ros.rig_monitor.node import main

    return main()


def ground_grid() -> int:
    """The grid of the ground."""
    _take_over()
    from trustseg.host import installed

    installed.refuse_old(installed.OF_FRAMES)
    from trustseg_ros.ground_grid.node import main

    return main()


def point_labels() -> int:
    """Class and confidence for the points of a cloud."""
    _take_over()
    from trustseg.host import installed

    installed.refuse_old(installed.OF_FRAMES)
    from trustseg_ros.point_labels.node import main

    return main()


def operations() -> int:
    """The bridge to operations."""
    _take_over()
    from trustseg_ros.operations.node import main

    return main()


def blackbox() -> int:
    """The black box."""
    _take_over()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a record that is asked for too early must not end it
    import os

    from trustseg_ros.blackbox import NICENESS

    # Before anything is loaded, and before any thread is: each inherits it.
    os.nice(NICENESS)
    from trustseg.host import installed

    installed.refuse_old(installed.OF_FRAMES)
    from trustseg_ros.blackbox.node import main

    return main()


def camera() -> int:
    """The camera of drives without one."""
    return _of_another_package("camera")


def recorder() -> int:
    """The recorder of a drive."""
    return _of_another_package("recorder")


def injector() -> int:
    """The injector of faults between camera and segmenter."""
    return _of_another_package("injector")


def video_decoder() -> int:
    """The decoder of video in front of the segmenter."""
    return _of_another_package("video_decoder")


def _of_another_package(name: str) -> int:
    """Run an executable of the laboratory, which a vehicle may do without; one line where it is not installed."""
    _take_over()
    import sys
    from importlib import metadata

    from trustseg.install_hint import install_package

    found = metadata.entry_points(group="trustseg.executables", name=name)
    if not found:
        sys.stderr.write(
            f"trustseg: {name} belongs to the package trustseg_lab, which is not installed here; "
            f"{install_package('trustseg_lab')}\n"
        )
        return 2
    return int(next(iter(found)).load()())
