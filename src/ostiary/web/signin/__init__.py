"""Signing in, setting up and stepping up, on the sign-in host. Rules about proofs live in `identity`."""
