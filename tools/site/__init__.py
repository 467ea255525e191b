"""Builds the repository's pages as a site: ``make docs``."""
