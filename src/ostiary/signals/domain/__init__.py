"""Signals without a database or a network: events, subjects, tokens, streams, and what a transmitter may bring about."""
