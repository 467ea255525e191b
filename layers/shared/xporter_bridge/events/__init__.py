"""What the company's software is told on EventBridge."""
