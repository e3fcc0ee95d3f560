"""The catalogue of applications and how each is reached: pillar 4."""
