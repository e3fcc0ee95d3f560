"""Other directories that keep people and groups here by SCIM 2.0, each by its own token. The address they speak to lives in web."""
