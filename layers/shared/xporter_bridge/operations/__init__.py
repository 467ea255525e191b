"""What availability requests and writebacks share: an id, a deadline, a version."""
