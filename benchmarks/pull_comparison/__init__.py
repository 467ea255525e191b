"""The contestants, the server and the measurements of ``benchmarks/pull.py``."""
