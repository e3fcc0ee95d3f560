"""Reads of clients, and of people and groups as a client sees them. They change nothing."""
