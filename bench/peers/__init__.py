"""Real alternatives that install here, each with and without its authorisation, for the comparison."""
