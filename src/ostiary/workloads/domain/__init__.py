"""Types and algorithms; nothing here knows Django, a clock or the network."""
