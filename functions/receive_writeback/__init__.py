"""Receives the outcomes of writebacks."""
