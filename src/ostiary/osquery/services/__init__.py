"""What is done with enrol secrets and hosts: each a transaction, on record."""
