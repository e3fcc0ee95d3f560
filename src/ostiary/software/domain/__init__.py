"""Packages, advisories, and which of the one the other are about. Pure; the agent uses `packages` and `ecosystems` too."""
