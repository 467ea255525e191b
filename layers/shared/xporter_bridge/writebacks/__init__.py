"""Writebacks: attendance and conduct, written once, and followed to their outcome."""
