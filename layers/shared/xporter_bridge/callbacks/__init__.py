"""What Xporter sends us, before its meaning is known: requests, bodies and signed URLs."""
