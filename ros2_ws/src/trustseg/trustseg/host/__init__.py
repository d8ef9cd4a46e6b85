"""The machine that a process runs on: hardware, packages, ROS environment, sockets."""
