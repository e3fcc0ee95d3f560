"""What happens to signals: registered, announced, delivered, taken, held. One use case a function."""
