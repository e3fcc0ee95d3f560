"""Shared signals: what happens to people is told to other systems, and what others tell is acted on. The addresses live in web."""
