"""One dataset of one school: whether and when to pull it, and what is published of it."""
