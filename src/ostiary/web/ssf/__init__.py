"""The addresses of shared signals on the sign-in host. What is done there is in `signals`."""
