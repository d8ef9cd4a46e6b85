"""Metrics of masks, confidences and verdicts; nothing here knows how they were made."""
