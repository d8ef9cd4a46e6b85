"""From a fitted checkpoint to a bundle."""
