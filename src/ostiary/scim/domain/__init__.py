"""SCIM without a database: what resources look like, what is meant by a request, who a client is."""
