"""How long one decision takes, and that it does not depend on how many rules or people there are.

Run: python -m bench.decision
"""

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from ostiary.policy.compiled import CompiledRules, compile_rules
from ostiary.policy.decision import Allow
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, PersonId, PolicyVersion, SessionId
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Resource,
    Subject,
)
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.snapshot import AppFact, Catalogue, Rules

NOW = 1_764_061_200.0  # Tuesday 25 November 2025, 09:00 UTC: inside the hours of every rule
PEOPLE = 10_000
RULES_AN_APP = 10
ROUNDS = 7
DECISIONS_A_ROUND = 400
WARM_A_ROUND = 5_000


def rules_document(count: int) -> str:
    """A company's rules: ten an app, each for a group, with the conditions people really write."""
    rules = []
    for number in range(count):
        app, kind = divmod(number, RULES_AN_APP)
        effect = "deny" if kind == RULES_AN_APP - 1 else "allow"
        lines = [
            f"  - name: rule-{number}",
            f"    {effect}: group:{'blocked' if effect == 'deny' else f'team-{kind}'}",
            f"    to: app:app-{app}",
        ]
        if effect == "allow":
            lines += [
                "    do: [view, edit]",
                "    when:",
                "      mfa: {method: otp, within: 12h}",
                "      hours: Mon-Fri 07:00-20:00 Europe/Berlin",
                "      risk: below 60",
            ]
        rules.append("\n".join(lines))
    return "version: 1\nrules:\n" + "\n".join(rules) + "\n"


def catalogue(rules: int) -> Catalogue:
    """The apps that the rules name."""
    ids = [AppId(f"app-{number}") for number in range(rules // RULES_AN_APP)]
    return Catalogue(apps={id_: AppFact(id=id_, host=f"{id_}.example.com", name=id_) for id_ in ids})


def requests(apps: Sequence[AppId]) -> list[AccessRequest]:
    """One request of each of many people; nobody asks twice."""
    return [
        AccessRequest(
            subject=Subject(
                person=PersonId(f"p{number:032}"),
                email=f"p{number}@example.com",
                groups=frozenset({GroupId("everyone"), GroupId(f"team-{number % 9}"), GroupId(f"team-{number % 7}")}),
                session=SessionId(f"s{number:032}"),
                authentications=(
                    Authentication("password", AuthStrength.SINGLE, NOW - 600),
                    Authentication("totp", AuthStrength.OTP, NOW - 590),
                ),
            ),
            action=ActionClass.VIEW,
            resource=Resource(app=apps[number % len(apps)], path="/"),
            context=Context(address="192.0.2.7", risk=5),
        )
        for number in range(PEOPLE)
    ]


def measure() -> dict[str, float]:
    """Return medians in microseconds over several rounds, all variants in turn."""
    small, large = _Company(10), _Company(10_000)
    cold: dict[str, list[float]] = {"10": [], "10000": []}
    warm: list[float] = []
    for _ in range(ROUNDS):
        cold["10"].append(small.cold_us())
        cold["10000"].append(large.cold_us())
        warm.append(large.warm_us())
    few, many = statistics.median(cold["10"]), statistics.median(cold["10000"])
    return {
        "cold_decision_us_10": round(few, 1),
        "cold_decision_us_10000": round(many, 1),
        "cold_ratio": round(max(few, many) / min(few, many), 2),
        "warm_decision_us": round(statistics.median(warm), 2),
        "slice_build_us": round(large.slice_build_us(), 1),
        "rules_read_ms_10": round(small.read_ms, 1),
        "rules_read_ms_10000": round(large.read_ms, 1),
    }


class _Company:
    def __init__(self, rules: int) -> None:
        self._rules = Rules(document=rules_document(rules), version=PolicyVersion(f"bench-{rules}"))
        self._catalogue = catalogue(rules)
        began = time.perf_counter()
        self._compiled = compile_rules(self._rules.document, "")
        self.read_ms = (time.perf_counter() - began) * 1000
        self._requests = requests(list(self._catalogue.apps))
        self._next = 0
        warm_up = self._engine()
        for request in self._requests:  # every slice is made; every answer is forgotten with the engine
            assert isinstance(warm_up.decide(request, NOW), Allow)

    def _engine(self) -> PolicyEngine:
        return PolicyEngine(self._rules, self._catalogue, Generation(1))

    def cold_us(self) -> float:
        """One decision that was never made before, slices ready."""
        engine = self._engine()
        some = [self._requests[(self._next + n) % PEOPLE] for n in range(DECISIONS_A_ROUND)]
        self._next += DECISIONS_A_ROUND
        return _median_us([partial(engine.decide, request, NOW) for request in some])

    def warm_us(self) -> float:
        """A decision that was made before."""
        engine, some = self._engine(), self._requests[:200]
        for request in some:
            engine.decide(request, NOW)
        began = time.perf_counter()
        for number in range(WARM_A_ROUND):
            engine.decide(some[number % 200], NOW)
        return (time.perf_counter() - began) / WARM_A_ROUND * 1e6

    def slice_build_us(self) -> float:
        """Finding and parsing the rules for one resource; done once for each, then kept."""
        fresh = CompiledRules(RulesDocument(tuple(self._compiled.by_name.values())), self._compiled.extra)
        some = self._requests[:300]
        return _median_us([partial(fresh.cut, one.subject, one.resource.app, frozenset()) for one in some])


def _median_us(acts: Sequence[Callable[[], object]]) -> float:
    times = []
    gc.disable()
    try:
        for act in acts:
            began = time.perf_counter()
            act()
            times.append(time.perf_counter() - began)
    finally:
        gc.enable()
    return statistics.median(times) * 1e6


def main() -> None:
    result = measure()
    print(f"cold decision, 10 rules       {result['cold_decision_us_10']:8.1f} µs   (at most 150)")
    print(f"cold decision, 10,000 rules   {result['cold_decision_us_10000']:8.1f} µs   (at most 150)")
    print(f"the larger by the smaller     {result['cold_ratio']:8.2f} ×    (at most 1.5)")
    print(f"warm decision                 {result['warm_decision_us']:8.2f} µs   (at most 10)")
    print(f"making one slice, once        {result['slice_build_us']:8.1f} µs")
    print(f"reading 10,000 rules, once    {result['rules_read_ms_10000']:8.1f} ms")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
