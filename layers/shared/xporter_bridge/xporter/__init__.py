"""Calls of Xporter on Demand (docs/xporter-api.md). Only this package imports an HTTP client."""
