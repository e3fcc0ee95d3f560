"""The OpenID Connect provider: applications that ask the sign-in host who somebody is. The rules decide each time."""
