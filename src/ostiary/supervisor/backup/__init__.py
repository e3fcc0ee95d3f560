"""Backup and restore: one file that holds an instance, and the way back from it."""
