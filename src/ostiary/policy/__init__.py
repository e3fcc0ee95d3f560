"""What may happen: requests, rules, decisions. Pure: no Django, I/O, clock, randomness or environment here."""
