"""What things are and what is allowed: no I/O, no clock, no randomness. Values in, values out."""
