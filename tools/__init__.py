"""What runs beside the system: the Xporter simulator, the local stack, the demo."""
