"""How Windows is looked at. Tried on what its makers document, not on a real one."""
