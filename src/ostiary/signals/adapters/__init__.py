"""The outside world of this room: the signing key, other systems over HTTP, sealed texts."""
