"""Use cases of reviews: starting, answering, carrying out, reminding, closing."""
