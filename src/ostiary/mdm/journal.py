"""What the record calls the things of this room: which device management is asked, and which device is meant."""

from typing import Final

CONNECTION: Final = "device management"
LINK: Final = "device link"
