"""Receives data availability events."""
