"""The outside world of the rulebook: a git repository that it follows."""
