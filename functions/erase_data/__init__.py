"""Erases data."""
