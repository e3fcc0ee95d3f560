"""Software: what is installed on devices, what is known to be vulnerable, and what of the one is the other."""
