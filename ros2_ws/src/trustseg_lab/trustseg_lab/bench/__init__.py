"""Timing: what engine, pipeline and ROS cost against the budget of the path."""
