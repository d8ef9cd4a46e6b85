"""Faults made to happen to real processes over ROS: the injector, what drives it, and what judges it."""
