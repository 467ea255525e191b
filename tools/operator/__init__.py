"""What the runbook runs on a real account."""
