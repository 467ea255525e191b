"""Decides which schools are asked for data by the clock."""
