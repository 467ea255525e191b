"""The parts of the simulated night (``night.py``)."""
