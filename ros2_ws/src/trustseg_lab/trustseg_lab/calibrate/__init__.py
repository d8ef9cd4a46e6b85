"""Calibration: from views of labelled images to the confidence table and the image verdict."""
