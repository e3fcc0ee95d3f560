"""Runs the agent as `python -m ostiary.agent`."""

import sys

from ostiary.agent.command import main

sys.exit(main())
