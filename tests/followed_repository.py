"""A git repository that rules are followed from, for tests: others push to it with the real git."""

import os
import subprocess
from pathlib import Path


class Repository:
    """A bare repository as others push to it, and a clone in which they write."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.clone = folder / "rules.git", folder / "clone"
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self.git(folder, "clone", "--quiet", str(self.bare), str(self.clone))

    @staticmethod
    def git(folder: Path, *words: str, email: str = "v@example.test") -> str:
        """Run git as Vera, in a folder; return what it says."""
        person = {"GIT_AUTHOR_NAME": "Vera", "GIT_AUTHOR_EMAIL": email}
        committer = {"GIT_COMMITTER_NAME": "Vera", "GIT_COMMITTER_EMAIL": "v@example.test"}
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **person, **committer},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(
        self,
        document: str | bytes,
        subject: str = "A change",
        *,
        file: str = "rules.yaml",
        email: str = "v@example.test",
    ) -> str:
        """Commit a document and push it; return the commit."""
        (self.clone / file).write_bytes(document.encode() if isinstance(document, str) else document)
        self.git(self.clone, "add", file)
        self.git(self.clone, "commit", "--quiet", "--allow-empty", "-m", subject, email=email)
        self.git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        return self.git(self.clone, "rev-parse", "HEAD")

    def put_back(self, commit: str) -> None:
        """Let the branch end at an earlier or another commit, as a forced push does."""
        self.git(self.clone, "push", "--quiet", "--force", "origin", f"{commit}:main")
