"""Serves the API for the company's own software."""
