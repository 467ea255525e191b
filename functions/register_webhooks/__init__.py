"""Registers webhooks with Xporter."""
