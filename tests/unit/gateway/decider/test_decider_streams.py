"""Open streams are decided again when facts or time change; only those that are refused now end."""

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.decider_company import ANNA, BEN, RULES, House, company, open_house

from ostiary.gateway.decider import streams as streams_module
from ostiary.gateway.decider.bearers import Bearer, spoken_of
from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.sockets import Connection, Sockets
from ostiary.gateway.decider.streams import Streams
from ostiary.gateway.under_way import UnderWay
from ostiary.policy.identifiers import ServiceId
from ostiary.policy.snapshot import ServiceFact, Snapshot, Workloads

UPGRADE = {"x_ostiary_stream": "upgrade", "x_ostiary_local": "192.0.2.1:443"}


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.close()


def pair(family: int = socket.AF_INET) -> tuple[socket.socket, socket.socket]:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=family) as server:
        client = socket.create_connection(server.getsockname()[:2])
        return server.accept()[0], client


def ends(ours: socket.socket, theirs: socket.socket) -> tuple[str, str]:
    def written(name: tuple[str, int]) -> str:
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    return written(ours.getsockname()[:2]), written(theirs.getsockname()[:2])


class TestSockets:
    """The real kernel; ending connections needs the right to."""

    @pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
    def test_a_connection_is_found_and_ended(self, sockets: Sockets, family: int) -> None:
        assert sockets.can_destroy(), "these tests run with CAP_NET_ADMIN"
        ours, theirs = pair(family)
        with ours, theirs:
            connection = sockets.find(*ends(ours, theirs))
            assert connection is not None
            assert sockets.destroy(connection)
            with pytest.raises(ConnectionResetError):
                theirs.recv(1)
            assert not sockets.destroy(connection)
            assert sockets.find(*ends(ours, theirs)) is None

    def test_an_address_in_ipv6_clothes_is_found(self, sockets: Sockets) -> None:
        ours, theirs = pair()
        with ours, theirs:
            here, there = ends(ours, theirs)
            dressed = there.replace("127.0.0.1", "[::ffff:127.0.0.1]")
            assert sockets.find(here, dressed) == sockets.find(here, there)

    def test_a_port_that_somebody_else_has_now_is_left_alone(self, sockets: Sockets) -> None:
        ours, theirs = pair()
        with ours, theirs:
            connection = sockets.find(*ends(ours, theirs))
            assert connection is not None
            earlier = msgspec.structs.replace(connection, cookie=bytes(8))
            assert not sockets.destroy(earlier)
            theirs.sendall(b"alive")
            assert ours.recv(5) == b"alive"

    @pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
    @pytest.mark.parametrize("everywhere", [True, False])
    def test_who_listens_is_no_connection(self, sockets: Sockets, family: int, everywhere: bool) -> None:
        """A connection may be over before it is looked for; then only the listener has its address."""
        host = "127.0.0.1" if family == socket.AF_INET else "::1"
        with socket.create_server(("" if everywhere else host, 0), family=family) as server:
            client = socket.create_connection((host, server.getsockname()[1]))
            ours = server.accept()[0]
            names = ends(ours, client)
            client.close()
            ours.close()
            assert sockets.find(*names) is None
            assert sockets.find(names[0], f"{'[::1]' if host == '::1' else host}:9") is None
            socket.create_connection((host, server.getsockname()[1])).close()

    @pytest.mark.parametrize(
        ("local", "peer"),
        [
            ("127.0.0.1:1", "127.0.0.1:2"),
            ("", ""),
            ("127.0.0.1", "127.0.0.1:2"),
            ("127.0.0.1:99999", "127.0.0.1:2"),
            ("127.0.0.1:1", "[::1]:2"),
            ("@/run/socket", "127.0.0.1:2"),
            ("127.0.0.1:²", "127.0.0.1:2"),
        ],
    )
    def test_what_is_no_connection_is_not_found(self, sockets: Sockets, local: str, peer: str) -> None:
        assert sockets.find(local, peer) is None


class Kernel:
    """Connections by name; says which were ended."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], Connection] = {}
        self.ended: list[Connection] = []
        self.broken = False

    def find(self, local: str, peer: str) -> Connection | None:
        if self.broken:
            raise OSError("no answer")
        name = (local, peer)
        return self.open.setdefault(
            name, Connection(socket.AF_INET, (b"a", 1), (b"b", 2), bytes([len(self.open) + 1]) * 8)
        )

    def close(self) -> None:
        self.closed = True

    def destroy(self, connection: Connection) -> bool:
        if self.broken:
            raise OSError("no answer")
        self.ended.append(connection)
        return True


def streams_of(house: House, kernel: Kernel, **more: Any) -> Streams:
    """Put streams on a kernel of ours in the place of the real ones."""
    assert house.parts is not None
    decider = house.parts.decider
    if decider.streams is not None:
        decider.streams.stop()
    given = {"ended": lambda *_: None, "clock": house.parts.clock, "life_seconds": 60, **more}
    decider.streams = Streams(cutter=kernel, decide=decider.decide_again, **given)
    decider.follower.changed = decider.streams.facts_changed
    return decider.streams


class TestStreams:
    """Decided by the real service on real facts."""

    def test_a_stream_ends_when_its_person_leaves_and_others_stay(self) -> None:
        kernel, ended = Kernel(), []

        def note(incoming: Incoming, verdict: Verdict, now: float) -> None:
            del verdict, now
            ended.append(incoming.peer)

        with open_house(company()) as house:
            streams = streams_of(house, kernel, ended=note)
            streams.start(house.loop)
            for who, port in ((ANNA, 1001), (ANNA, 1002), (BEN, 1003)):
                cookies = house.cookie(who, "wiki")
                house.ask("wiki", "/ws", cookies=cookies, x_ostiary_peer=f"192.0.2.7:{port}", **UPGRADE)
            assert len(streams) == 2, "what was refused is no stream"
            house.ask("wiki", "/ordinary", cookies=house.cookie(ANNA, "wiki"), x_ostiary_local="192.0.2.1:443")
            assert len(streams) == 2, "an ordinary request is none either"

            def publish(generation: int, **changes: object) -> None:
                house.publish(company(generation, **changes))  # type: ignore[arg-type]
                house.loop.run_until_complete(asyncio.sleep(0.01))

            publish(2)
            assert ended == []
            publish(3, people=(msgspec.structs.replace(ANNA, active=False), BEN))
            assert ended == ["192.0.2.7:1001", "192.0.2.7:1002"]
            assert len(streams) == 0
            publish(4, people=(BEN,))
            assert len(kernel.ended) == 2

    def test_a_kernel_that_does_not_answer_stops_nothing(self) -> None:
        kernel = Kernel()
        with open_house(company()) as house:
            streams = streams_of(house, kernel)
            kernel.broken = True
            asked = {"cookies": house.cookie(ANNA, "wiki"), "x_ostiary_peer": "192.0.2.7:1001", **UPGRADE}
            assert house.ask("wiki", "/ws", **asked).status == 200
            assert len(streams) == 0
            kernel.broken = False
            assert house.ask("wiki", "/ws", **asked).status == 200
            assert len(streams) == 1

    def test_what_is_closed_or_too_old_is_forgotten(self) -> None:
        kernel, now = Kernel(), [1000.0]
        with open_house(company()) as house:
            streams = streams_of(house, kernel, clock=lambda: now[0])
            cookies = house.cookie(ANNA, "wiki")
            for port in (1, 2, 3):
                house.ask("wiki", "/ws", cookies=cookies, x_ostiary_peer=f"192.0.2.7:{port}", **UPGRADE)
            streams.start(house.loop)
            kernel.open.pop(("192.0.2.1:443", "192.0.2.7:2"))
            streams._look()
            assert len(streams) == 2, "a port that somebody else has now is another stream"
            now[0] = time.time() + 60 + streams_module.GRACE_SECONDS
            streams._look()
            assert len(streams) == 0
            assert kernel.ended == []

    def test_there_is_a_bound(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streams_module, "MAX_STREAMS", 3)
        with open_house(company()) as house:
            streams = streams_of(house, Kernel())
            for port in range(1, 9):
                peer = f"192.0.2.7:{port}"
                house.ask("wiki", "/ws", cookies=house.cookie(ANNA, "wiki"), x_ostiary_peer=peer, **UPGRADE)
            assert len(streams) == 3


class TestReported:
    """What the data plane says is under way, and this process did not let in."""

    def report(self, who: Any, number: int = 1, **changes: Any) -> UnderWay:
        given = {"host": "wiki.example.test:8443", "path": "/big%20file", "method": "GET", "local": "192.0.2.1:443"}
        session = "s-" + str(who.id)
        return UnderWay(
            request=f"r-{number}", peer=f"192.0.2.7:{number}", grant_session=session, **{**given, **changes}
        )

    def decided(self, session: str, number: int) -> UnderWay:
        return msgspec.structs.replace(self.report(ANNA, number), grant_session="", decision_session=session)

    def test_it_is_remembered_as_long_as_it_is_reported_and_ends_when_it_would_be_refused(self) -> None:
        kernel, ended = Kernel(), []
        with open_house(company()) as house:
            streams = streams_of(house, kernel, ended=lambda incoming, verdict, _: ended.append((incoming, verdict)))
            streams.start(house.loop)
            now = time.time()
            for _ in range(3):
                streams.reported(self.report(ANNA), now)
            assert len(streams) == 1
            house.publish(company(2, people=(msgspec.structs.replace(ANNA, active=False), BEN)))
            house.loop.run_until_complete(asyncio.sleep(0.01))
            assert [(one.path, verdict.person.id) for one, verdict in ended] == [("/big file", ANNA.id)]
            assert len(streams) == 0
            streams.reported(self.report(ANNA, 2), now)
            assert len(ended) == 2, "what began before and is reported only now"
            assert len(kernel.ended) == 2

    def test_a_services_transfer_ends_when_the_tokens_of_its_time_are_worth_nothing_any_more(self) -> None:
        """A key or an issuer was taken away, or the service was given anew under its name."""
        kernel, now = Kernel(), time.time()
        robot = ServiceFact(id=ServiceId("robot"), active=True, ends_at=now + 3600)
        rules = RULES + "  - name: robots\n    allow: service:robot\n    to: app:wiki\n    do: [view]\n"

        def facts(generation: int, service: ServiceFact) -> Snapshot:
            workloads = Workloads(services={service.id: service})
            return msgspec.structs.replace(company(generation, rules=rules), workloads=workloads)

        with open_house(facts(1, robot)) as house:
            streams = streams_of(house, kernel)
            streams.start(house.loop)
            for number, issued in enumerate((now - 60, now - 5)):
                bearer = Bearer(service=robot, issued_at=issued, ends_at=now + 600)
                _person, session = spoken_of(bearer, robot)
                streams.reported(self.decided(session.id, number), now)
            assert len(streams) == 2
            house.publish(facts(2, msgspec.structs.replace(robot, tokens_after=now - 30)))
            house.loop.run_until_complete(asyncio.sleep(0.01))
            assert len(streams) == 1
            assert len(kernel.ended) == 1
            for nonsense in ("service:robot", "service:robot@", "service:robot@nan", "service:robot@soon"):
                streams.reported(self.decided(nonsense, 9), now)
            assert len(streams) == 1
            assert len(kernel.ended) == 5

    def test_what_is_reported_no_more_is_over(self) -> None:
        kernel, now = Kernel(), [time.time()]
        with open_house(company()) as house:
            streams = streams_of(house, kernel, clock=lambda: now[0])
            streams.start(house.loop)
            for number in (1, 2):
                streams.reported(self.report(ANNA, number), now[0])
            now[0] += streams_module.UNREPORTED_SECONDS - 1
            streams.reported(self.report(ANNA, 2), now[0])
            now[0] += 2
            streams._look()
            assert len(streams) == 1
            assert kernel.ended == []

    @pytest.mark.parametrize(
        "changes", [{"grant_session": "nobody"}, {"host": "nowhere.test"}, {"path": "/a/%2e%2e/b"}]
    )
    def test_what_could_not_have_been_let_in_ends(self, changes: dict[str, str]) -> None:
        kernel = Kernel()
        with open_house(company()) as house:
            streams = streams_of(house, kernel)
            report = msgspec.structs.replace(self.report(ANNA), **changes)
            streams.reported(report, time.time())
            assert len(streams) == 0
            assert len(kernel.ended) == 1

    def test_one_report_that_fails_does_not_keep_others_from_being_heard(self) -> None:
        class Said:
            def __init__(self, *rounds: list[UnderWay] | OSError) -> None:
                self.rounds = list(rounds)

            def new(self) -> list[UnderWay]:
                found = self.rounds.pop(0)
                if isinstance(found, OSError):
                    raise found
                return found

        with open_house(company()) as house:
            said = Said(OSError("no"), [self.report(ANNA)])
            streams = streams_of(house, Kernel(), reports=said)
            streams.start(house.loop)
            streams._look()
            streams._look()
            house.loop.run_until_complete(asyncio.sleep(0.01))
            assert len(streams) == 1
