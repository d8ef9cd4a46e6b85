"""Published ways to score a mask's pixels, on the very predictions that the bundle gives."""
