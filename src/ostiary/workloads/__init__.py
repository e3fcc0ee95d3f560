"""Identities that are no people: services with keys or trusted issuers, and the tokens of people's own scripts."""
