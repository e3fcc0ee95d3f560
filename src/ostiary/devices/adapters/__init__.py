"""The files of the authority that signs devices' certificates."""
