"""Rotates the stack's own secrets."""
