"""One use case a function."""
