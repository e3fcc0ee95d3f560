"""What is done with inventories and advisories: one use case a function."""
