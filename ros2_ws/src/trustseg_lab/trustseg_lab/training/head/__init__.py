"""The confidence head: its targets, its data, its fit on a frozen network."""
