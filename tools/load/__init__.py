"""Load on a local stack: a storm of callbacks, a soak, killed processes; each ends with a proof."""
