"""Checks a company's own configuration, which lies in a folder that no upgrade touches."""
