"""TensorRT: building plans, running them, and what a graph must be for both."""
