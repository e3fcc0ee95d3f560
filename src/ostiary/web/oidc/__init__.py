"""The provider's addresses on the sign-in host. What is issued, and to whom, is `oidc`; who may, the rules."""
