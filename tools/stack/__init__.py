"""AWS on one machine: MiniStack, the real `sam deploy` of the real template, and the simulator."""
