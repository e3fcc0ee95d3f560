"""The decision service: one process, no Django. It asks policy and answers Envoy."""
