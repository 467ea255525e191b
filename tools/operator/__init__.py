"""The operator's command line, `xporter-bridge`."""

__version__ = "0.1.0"
