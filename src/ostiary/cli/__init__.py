"""The `ostiary` command: parse, call one service, print."""
