"""Bundles: what a folder of graphs, card and verdict model must hold before any of it is used."""
