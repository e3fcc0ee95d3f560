"""The policy administrator: snapshot, publisher, decision service, grants, Envoy configuration."""
