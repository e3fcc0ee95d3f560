"""Access reviews: who holds what is looked at by whoever answers for it, and what is not needed is taken away and read back."""
