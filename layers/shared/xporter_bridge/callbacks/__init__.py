"""The parts that all callbacks share: requests, bodies and signed URLs."""
