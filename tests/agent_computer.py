"""A computer that is made up for the agent's collectors: files, programs that say what they are told, and who works there."""

from collections.abc import Mapping, Sequence

from ostiary.agent.posture.computer import CannotTell, Process, Ran
from ostiary.agent.posture.memory import Memory

NOW = 1_795_305_600.0
"""2026-11-22 00:00 UTC."""


class MadeUp:
    """See `ostiary.agent.posture.computer.Computer`."""

    def __init__(
        self,
        *,
        files: Mapping[str, str | bytes] | None = None,
        programs: Mapping[str, str | Ran] | None = None,
        runs: Sequence[Process] = (),
        people: Mapping[int, tuple[str, ...]] | None = None,
        changed: Mapping[str, float] | None = None,
        root: bool = True,
        user: int = 0,
        now: float = NOW,
        ahead_seconds: float | None = None,
    ) -> None:
        self.files, self.programs, self.runs = dict(files or {}), dict(programs or {}), tuple(runs)
        self.people, self.changed = dict(people or {}), dict(changed or {})
        self.root, self.user, self.now, self.ahead_seconds = root, user, now, ahead_seconds
        self.memory = Memory()
        self.asked: list[str] = []

    def read(self, path: str) -> str:
        return self.read_bytes(path).decode(errors="replace")

    def read_bytes(self, path: str) -> bytes:
        if path not in self.files:
            raise CannotTell(f"There is no {path}.")
        content = self.files[path]
        return content if isinstance(content, bytes) else content.encode()

    def names_in(self, folder: str) -> tuple[str, ...]:
        return tuple(
            sorted({path[len(folder) + 1 :].split("/")[0] for path in self.files if path.startswith(f"{folder}/")})
        )

    def changed_at(self, path: str) -> float | None:
        there = path in self.files or any(one.startswith(f"{path}/") for one in self.files)
        return self.changed.get(path, self.now if there else None)

    def target_of(self, path: str) -> str:
        return self.read(path) if path in self.files else ""

    def has(self, program: str) -> bool:
        return any(words.split(" ")[0] == program for words in self.programs)

    def run(
        self,
        *words: str,
        user: int | None = None,
        seconds: float = 10.0,
        more: Mapping[str, str] | None = None,
        errors: bool = False,
    ) -> Ran:
        asked = " ".join(words)
        self.asked.append(asked)
        for known, said in self.programs.items():
            if asked == known or asked.startswith(f"{known} "):
                return said if isinstance(said, Ran) else Ran(status=0, said=said)
        raise CannotTell(f"{words[0]} is not installed.")

    def processes(self) -> Sequence[Process]:
        return self.runs

    def groups_of(self, user: int) -> tuple[str, tuple[str, ...]]:
        if user not in self.people:
            raise CannotTell(f"Nobody knows the user {user}.")
        return f"user{user}", self.people[user]

    def home_of(self, user: int) -> str:
        return f"/home/{user}"
