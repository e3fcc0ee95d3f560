"""What a device is, what its messages are, and how its certificates are made. Pure; the agent uses it too."""
