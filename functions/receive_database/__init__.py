"""Receives database events."""
