"""The common part of availability requests and writebacks: an id, a deadline, a version."""
