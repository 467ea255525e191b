"""A deployment of new versions, and whether they may have traffic."""
