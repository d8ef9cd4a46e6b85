"""Processes and drives that demo, faults, timing and tests start."""
