"""What the record calls the things of this room."""

from typing import Final

from ostiary.visibility.facade import Actor

BASELINE: Final = "device baseline"
REQUIREMENT: Final = "required device baseline"
EXCEPTION: Final = "device exception"
VERDICT: Final = "device compliance"
HELD: Final = "held device compliance"

JUDGED_BY: Final = Actor(kind="system", id="judge_devices", label="Ostiary")
