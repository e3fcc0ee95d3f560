"""What is done with connections and records: each a transaction, on record."""
