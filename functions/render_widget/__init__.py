"""Renders the table of schools inside the dashboard."""
