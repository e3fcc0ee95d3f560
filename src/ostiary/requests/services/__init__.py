"""Changes of requests. Each step is one transaction: the state, the membership, the letters that are owed, the record."""
