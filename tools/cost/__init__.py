"""What a deployment costs, from counted calls, stated assumptions and AWS's prices."""
