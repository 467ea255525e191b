"""Looks after what should have happened."""
