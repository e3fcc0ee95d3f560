"""Connections, and what each vendor's answers say. Pure: no database, no network, no clock."""
