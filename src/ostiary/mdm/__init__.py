"""What device management elsewhere says of devices: which systems are asked, what they know, and which device is meant."""
