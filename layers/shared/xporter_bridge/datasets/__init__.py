"""Which datasets are kept of a school, and how each of them is configured."""
