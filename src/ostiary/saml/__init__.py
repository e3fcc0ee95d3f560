"""Signing in to applications elsewhere that speak SAML 2.0: this instance is their identity provider."""
