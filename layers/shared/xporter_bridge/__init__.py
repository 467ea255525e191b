"""Xporter Bridge: receives what Xporter calls, and pulls and writes what schools share."""
