"""Access for a while: somebody asks, somebody else answers, time ends it. What groups open lives in the rules."""
