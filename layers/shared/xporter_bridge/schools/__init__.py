"""A school: its state, its secret, its token, and its session with Xporter."""
