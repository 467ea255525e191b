"""The product in an AWS account, once: deployed, driven as by the demo, looked at, and deleted."""
