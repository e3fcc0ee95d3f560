"""What other systems are asked and told: where anything may be sent, how it is sent, and the secrets that are sent with it."""
