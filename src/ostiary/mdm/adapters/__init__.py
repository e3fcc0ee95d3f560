"""How each vendor is asked."""
