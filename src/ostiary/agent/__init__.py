"""The program on people's computers: makes a key, has it confirmed, and keeps a certificate for it. Knows nothing of the gateway."""
