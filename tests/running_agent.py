"""The agent as its owner runs it: a process of its own, against a running instance."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.running_instance import Client, RunningInstance


class Agent:
    """The agent on one computer.

    Args:
        running: the instance.
        folder: the home of whoever runs it; it is made.
        on: the words that run a command on another computer than this.
    """

    def __init__(self, running: RunningInstance, folder: Path, *, on: tuple[str, ...] = ()) -> None:
        self.running, self.folder = running, folder
        folder.mkdir()
        self.state = folder / "state"
        self.words = (*on, sys.executable, "-m", "ostiary.agent", "--folder", str(self.state))
        path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environment = {"PATH": running.environment["PATH"], "PYTHONPATH": path, "HOME": str(folder)}

    def typed(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.words, *words], env=self.environment, capture_output=True, text=True, check=False)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.words, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def enrol(self, owner: Client, answer: str, *words: str) -> tuple[int, str, str]:
        """Start to enrol, type the code it shows into the portal, and answer there; return how it ended."""
        origin = self.running.url("id", "")
        ca = str(self.running.authority)
        process = self.begin("enrol", origin, "--name", "Front desk", "--ca", ca, "--no-browser", *words)
        assert process.stdout is not None
        said, code = "", None
        for line in process.stdout:
            said += line
            code = code or re.search(r"\b[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}\b", line)
            if "If it does not" in line:
                break
        assert code is not None, said + process.communicate()[1]
        page = owner.post("id", "/devices/enrol", owner.get("id", "/devices/enrol"), code=code[0])
        assert "Front desk" in page.text
        key = re.search(r"the key ([0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4})\.", said)
        assert key is not None
        assert key[1] in page.text, "what stands on the computer stands on the page"
        seen = re.search(r'name="seen" value="([\w-]+)"', page.text)
        assert seen is not None
        owner.post("id", "/devices/enrol", page, code=code[0], seen=seen[1], answer=answer)
        rest, errors = process.communicate()
        return process.returncode, said + rest, errors
