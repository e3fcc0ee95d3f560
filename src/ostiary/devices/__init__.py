"""Devices: computers that prove by a key of their own which they are, who answers for them, and what ended on them."""
