"""What is installed on this computer, as its package managers say. Each parser is pure; what is run and read is in `collect`."""
