"""Sends writebacks."""
