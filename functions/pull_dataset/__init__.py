"""Pulls datasets."""
