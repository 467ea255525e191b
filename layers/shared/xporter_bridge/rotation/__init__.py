"""The stack's own two secrets get new values, and old values are no longer accepted."""
