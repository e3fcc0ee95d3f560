"""Walks a running demo as clients would: browsers, programs, calendars, file clients. Nothing here looks behind the gateway."""
