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
    from trustseg import installed

    installed.refuse_old(installed.OF_FRAMES)
    from trustseg_ros.segmenter import main

    return main()


def monitor() -> int:
    """The failure monitor."""
    _take_over()
    from trustseg_ros.monitor import main

    return main()


def camera() -> int:
    """The camera of drives without one."""
    _take_over()
    from trustseg_ros.camera import main

    return main()


def recorder() -> int:
    """The recorder of a drive."""
    _take_over()
    from trustseg_ros.recorder import main

    return main()


def injector() -> int:
    """The injector of faults between camera and segmenter."""
    _take_over()
    from trustseg_ros.faults.injector import main

    return main()
