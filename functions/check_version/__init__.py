"""Checks new versions before they have traffic."""
