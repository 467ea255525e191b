"""Decides what a database event makes due."""
