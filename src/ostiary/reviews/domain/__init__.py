"""Reviews as types and algorithms. Pure: who exists, what was used and what time it is are given."""
