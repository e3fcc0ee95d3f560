"""Programs that may ask for decisions over the AuthZEN API, each by its own token. How they are answered lives in gateway."""
