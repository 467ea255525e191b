"""Second opinions on AWS: emulators that are no Python packages, for the contract tests alone."""
