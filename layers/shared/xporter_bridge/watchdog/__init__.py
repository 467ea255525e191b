"""Finds what should have happened and has not."""
