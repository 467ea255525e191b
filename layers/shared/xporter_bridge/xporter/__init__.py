"""Xporter on Demand as docs/xporter-api.md describes it; the only importer of an HTTP client."""
