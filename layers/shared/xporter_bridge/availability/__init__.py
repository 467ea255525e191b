"""Pulls on request: wait for data that Xporter must fetch first."""
