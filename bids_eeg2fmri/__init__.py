"""Learn, for each person, what the EEG says about the BOLD of the motor cortex."""

__version__ = "0.1.0"
