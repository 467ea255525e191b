"""The main job, end to end, on a local stack: what `make demo` shows and verifies."""
