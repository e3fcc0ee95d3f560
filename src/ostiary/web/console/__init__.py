"""The administrators' console. Pages only: what they show and do belongs to the pillars."""
