"""Erases a school or a dataset in every version."""
