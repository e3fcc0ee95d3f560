"""What clients and operators change, one use case a function."""
