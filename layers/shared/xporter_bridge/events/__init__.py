"""Events for the company's software on EventBridge."""
