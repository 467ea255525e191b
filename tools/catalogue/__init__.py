"""Publishes the catalogue of tables and columns for those who read the data."""
