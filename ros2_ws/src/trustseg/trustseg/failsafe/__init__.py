"""The fail-safe: state machine, evidence, rates, checksums, ages. Standard library only: the monitor imports it."""
