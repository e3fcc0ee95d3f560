"""What the record calls the things of this room: who is told and listened to, and what others told."""

from typing import Final

RECEIVER: Final = "signal receiver"
STREAM: Final = "signal stream"
TRANSMITTER: Final = "signal transmitter"
SIGNAL: Final = "signal"
KEY: Final = "signal signing key"
