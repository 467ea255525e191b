"""Checks new versions of functions before a deployment gives them traffic."""
