"""What Linux, macOS and Windows do differently, so that the rest of the agent need not ask which it runs on."""
