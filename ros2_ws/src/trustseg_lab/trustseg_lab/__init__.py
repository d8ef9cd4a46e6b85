"""The laboratory: recordings, evaluation, calibration, training, faults and demo. A vehicle does without it."""
