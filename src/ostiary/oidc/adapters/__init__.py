"""The provider's outside: keys on the disk, and applications that are told of a sign-out."""
