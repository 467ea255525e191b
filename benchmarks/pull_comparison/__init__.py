"""What ``benchmarks/pull.py`` compares, and what it compares them with."""
