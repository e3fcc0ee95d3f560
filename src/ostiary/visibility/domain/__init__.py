"""Events and the chain that makes them tamper-evident. Pure."""
