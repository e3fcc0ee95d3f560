"""The standard door: other programs ask by the OpenID AuthZEN Authorization API 1.0 and enforce the answer themselves."""
