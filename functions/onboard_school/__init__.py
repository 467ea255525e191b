"""Takes schools in."""
