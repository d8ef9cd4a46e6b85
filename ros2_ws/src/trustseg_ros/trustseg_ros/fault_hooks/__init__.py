"""Faults inside the segmentation node: off unless `fault_injection` asks for them, and never silent."""
