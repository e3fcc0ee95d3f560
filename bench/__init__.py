"""Measures what Ostiary costs, beside the alternatives, in one run on one machine. Nothing here is shipped."""
