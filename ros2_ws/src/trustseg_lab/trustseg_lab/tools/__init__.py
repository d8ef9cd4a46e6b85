"""Nodes beside the vehicle: camera, player, recorders."""
