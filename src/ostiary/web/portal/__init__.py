"""Everyone's own pages on the sign-in host: my apps, my sessions, my authenticators, my profile."""
