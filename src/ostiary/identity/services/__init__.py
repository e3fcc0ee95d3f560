"""What can be done to people, groups, sessions and links: one use case a function, each in one transaction."""
