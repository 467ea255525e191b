"""Finds overdue work."""
