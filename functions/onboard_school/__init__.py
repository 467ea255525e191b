"""Onboards schools."""
