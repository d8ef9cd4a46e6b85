"""The segmentation node and what it is made of."""
