"""Finds overdue work and sends its message again."""
