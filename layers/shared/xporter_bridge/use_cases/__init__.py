"""What the system does, one module per verb: pure decisions joined to the adapters they need."""
