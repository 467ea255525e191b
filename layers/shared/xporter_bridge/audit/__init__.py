"""The trail of who asked for what that changes something, and with what outcome."""
