"""Starts, watches and restarts the processes of an instance."""
