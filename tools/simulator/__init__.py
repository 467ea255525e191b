"""Xporter on Demand, offline: what the product is developed, shown, tested and measured against."""
