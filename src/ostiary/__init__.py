"""Ostiary: Zero Trust for small and mid-sized businesses, in one install."""

__version__ = "0.1.0"
