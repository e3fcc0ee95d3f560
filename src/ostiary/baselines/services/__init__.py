"""What is done to baselines, requirements, exceptions and verdicts. One use case a function, each in one transaction."""
