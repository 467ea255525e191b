"""Records the outcomes of writebacks."""
