"""A school authorises us: its secret is received, verified and adopted."""
