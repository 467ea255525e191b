"""The datasets that are pulled from every school, and their configuration."""
