"""A Django process that disables people on demand and says when each transaction committed.

Reads one person's id a line; answers with one line of JSON: the moments, on the monotonic clock that every process of
the machine shares, at which the commit was asked for, was done, and the service returned. Run by `revocation` as
`python -m bench.disabler`, with `OSTIARY_HOME` set.
"""

import os
import sys
import time

import msgspec

from ostiary.cli.django import setup


class Disabled(msgspec.Struct, frozen=True):
    """Nanoseconds on the monotonic clock.

    Args:
        commit_at: just before the database was asked to commit.
        committed_at: when it had.
        returned_at: when the service returned, the new facts and the new grant key published.
    """

    commit_at: int
    committed_at: int
    returned_at: int


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    setup()
    from django.db import connection  # noqa: PLC0415 - Django must be set up first

    from ostiary.identity.facade import disable_person  # noqa: PLC0415
    from ostiary.policy.identifiers import PersonId  # noqa: PLC0415
    from ostiary.visibility.facade import Actor  # noqa: PLC0415

    moments: list[tuple[int, int]] = []
    connection.ensure_connection()
    commit = connection.commit

    def timed_commit() -> None:
        asked = time.monotonic_ns()
        commit()
        moments.append((asked, time.monotonic_ns()))

    connection.commit = timed_commit  # type: ignore[method-assign]
    actor = Actor(kind="system", id="bench", label="the benchmark")
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        moments.clear()
        disable_person(person_id=PersonId(line.strip()), reason="a trial of the benchmark", actor=actor)
        asked, done = moments[0]
        answer = Disabled(asked, done, time.monotonic_ns())
        print(msgspec.json.encode(answer).decode(), file=answers, flush=True)


if __name__ == "__main__":
    main()
