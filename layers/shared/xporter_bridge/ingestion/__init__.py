"""How one pull runs, from the lease to ``latest.json``."""
