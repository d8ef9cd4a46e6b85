"""The failure monitor: the only authority on whether a planner may trust the masks."""
