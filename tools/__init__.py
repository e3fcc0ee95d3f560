"""Checks and generators for people who work on Ostiary. Nothing here is shipped."""
