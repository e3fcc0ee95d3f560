"""What runs on a schedule: the worker. What each job does lives in the pillar it belongs to."""
