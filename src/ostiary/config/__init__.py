"""The instance's one configuration file, its secrets and its places on disk, as small typed components."""
