"""Decides which schools' registrations are due."""
