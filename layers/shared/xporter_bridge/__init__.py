"""Xporter Bridge: receives Xporter's callbacks, pulls schools' data, and writes back."""
