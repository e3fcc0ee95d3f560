"""The types and the arithmetic of compliance. Pure."""
