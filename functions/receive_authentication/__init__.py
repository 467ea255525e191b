"""Receives authentication events."""
