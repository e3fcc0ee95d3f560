"""Tokens of programs: made, kept as a digest, found again, taken back. Whom they are for is said by the rooms that give them out."""
