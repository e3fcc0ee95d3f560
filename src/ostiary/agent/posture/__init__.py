"""What the agent can tell of the computer it runs on: one module an idea, each a reader of little and a parser without any I/O."""
