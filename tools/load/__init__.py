"""Load on a local stack: a storm of callbacks, a soak, and killed processes; each with its proof."""
