"""The run of one pull, from the lease to ``latest.json``."""
