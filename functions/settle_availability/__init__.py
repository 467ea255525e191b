"""Ends the wait for data."""
