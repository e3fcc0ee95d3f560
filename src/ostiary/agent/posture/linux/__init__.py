"""How Linux is looked at."""
