"""What is done in this room, one use case a function."""
