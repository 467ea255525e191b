"""Asks Xporter for data that it must fetch first."""
