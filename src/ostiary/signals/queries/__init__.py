"""Reads of receivers, streams, transmitters and signals. They change nothing."""
