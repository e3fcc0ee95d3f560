"""People, groups, authenticators, sessions and invitations: pillar 1."""
