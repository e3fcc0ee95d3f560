"""Compliance of devices: baselines, which of them is required of whom, since when a device fails, exceptions, and the brake."""
