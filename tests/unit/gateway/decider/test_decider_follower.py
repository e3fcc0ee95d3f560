"""The basis of decisions follows the snapshot: woken, polled, swapped whole, never back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.decider_company import ANNA, RULES, company, session

from ostiary.gateway.decider import follower as follower_module
from ostiary.gateway.decider.alarms import Alarms
from ostiary.gateway.decider.basis import Basis, Renumbered, build_basis
from ostiary.gateway.decider.follower import Follower
from ostiary.gateway.folder_watch import FolderWatch
from ostiary.gateway.snapshots import SNAPSHOT_FILE, beat, write_snapshot
from ostiary.policy.decision import ReasonCode

DEADLINE_SECONDS = 60


def follower_of(folder: Path) -> Follower:
    return Follower(
        folder / "facts",
        max_age_seconds=300,
        issuer="https://id.example.test",
        alarms=Alarms(folder, time.time),
        clock=time.time,
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110 - what is waited for is another thread's file
            await asyncio.sleep(0.005)


def publish(folder: Path, generation: int, **changes: Any) -> None:
    write_snapshot(folder / "facts", company(generation, **changes), durable=False)
    beat(folder / "facts", time.time())


def run(folder: Path, scenario: Callable[[Follower], Awaitable[None]]) -> None:
    async def main() -> None:
        follower = follower_of(folder)
        follower.load()
        follower.follow(asyncio.get_running_loop())
        try:
            await scenario(follower)
        finally:
            follower.stop()

    asyncio.run(main())


def usable(follower: Follower) -> bool:
    return follower.current(time.time()).trouble is None


@pytest.mark.parametrize("watched", [True, False])
def test_a_new_snapshot_is_in_force_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: bool) -> None:
    if watched:
        monkeypatch.setattr(follower_module, "LOOK_SECONDS", 3600)
    else:

        def refuse(_: Path) -> FolderWatch:
            raise OSError(28, "no watches left")

        monkeypatch.setattr(follower_module, "FolderWatch", refuse)

    async def scenario(follower: Follower) -> None:
        assert not usable(follower)
        publish(tmp_path, 1)
        await until(lambda: usable(follower))
        for generation in range(2, 6):
            publish(tmp_path, generation)
        await until(lambda: follower.basis.generation == 5)

    run(tmp_path, scenario)


def test_a_request_waits_for_facts_that_were_published_before_it(tmp_path: Path) -> None:
    publish(tmp_path, 1)

    async def scenario(follower: Follower) -> None:
        await follower.caught_up()
        for generation in range(2, 12):
            publish(tmp_path, generation)
            await asyncio.gather(*(follower.caught_up() for _ in range(5)))
            assert follower.basis.generation == generation

    run(tmp_path, scenario)


def test_a_request_waits_for_the_second_build_when_the_first_began_before_it(tmp_path: Path) -> None:
    publish(tmp_path, 1)

    async def scenario(follower: Follower) -> None:
        publish(tmp_path, 2)
        early = asyncio.ensure_future(follower.caught_up())
        await asyncio.sleep(0)
        publish(tmp_path, 3)
        await follower.caught_up()
        assert follower.basis.generation == 3
        await early

    run(tmp_path, scenario)


def test_a_damaged_file_takes_everything_away_and_the_next_gives_it_back(tmp_path: Path) -> None:
    publish(tmp_path, 1)

    async def scenario(follower: Follower) -> None:
        assert usable(follower)
        (tmp_path / "facts" / SNAPSHOT_FILE).write_bytes(b"damaged")
        await until(lambda: not usable(follower))
        assert follower.basis.refuse(ReasonCode.STALE_FACTS)
        publish(tmp_path, 2)
        await until(lambda: usable(follower))

    run(tmp_path, scenario)


def test_an_older_generation_is_never_in_force(tmp_path: Path) -> None:
    publish(tmp_path, 7)

    async def scenario(follower: Follower) -> None:
        publish(tmp_path, 6)
        await until(lambda: not usable(follower))
        publish(tmp_path, 8)
        await until(lambda: usable(follower))
        assert follower.basis.generation == 8

    run(tmp_path, scenario)


def test_a_heartbeat_that_stops_ends_belief_at_once(tmp_path: Path) -> None:
    publish(tmp_path, 1)

    async def scenario(follower: Follower) -> None:
        now = time.time()
        assert follower.current(now).trouble is None
        assert follower.current(now + 301).trouble is not None
        assert follower.current(now - 60).trouble is not None
        (tmp_path / "facts" / "heartbeat").unlink()
        await until(lambda: not usable(follower))

    run(tmp_path, scenario)


def test_something_unforeseen_while_building_refuses_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, 1)

    async def scenario(follower: Follower) -> None:
        def fail(*_: object, **__: object) -> Basis:
            raise MemoryError

        monkeypatch.setattr(follower_module, "build_basis", fail)
        publish(tmp_path, 2)
        await until(lambda: not usable(follower))
        monkeypatch.undo()
        publish(tmp_path, 3)
        await until(lambda: usable(follower))

    run(tmp_path, scenario)


def compiled(basis: Basis) -> object:
    assert isinstance(basis.engine, Renumbered)
    return basis.engine.engine


def test_a_sign_in_compiles_no_rules() -> None:
    first = build_basis(company(1), None, issuer="i")
    second = build_basis(company(2, sessions=(session(ANNA),)), first, issuer="i")
    assert compiled(second) is compiled(first)
    assert second.grants is first.grants
    third = build_basis(company(3, rules=RULES + "# changed\n"), second, issuer="i")
    assert compiled(third) is not compiled(first)


def test_rules_that_cannot_be_used_never_leave_the_ones_before_in_force() -> None:
    first = build_basis(company(1), None, issuer="i")
    second = build_basis(company(2, rules="nonsense"), first, issuer="i")
    assert second.engine is None
    assert second.trouble is not None
    assert second.trouble.reason is ReasonCode.ENGINE_ERROR
    third = build_basis(company(3), second, issuer="i")
    assert third.trouble is None
