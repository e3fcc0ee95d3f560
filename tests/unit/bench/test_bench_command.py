"""What the command is asked, and what it says when it cannot begin."""

import pytest
from bench import gateway, machine
from bench.counting import DECISIONS
from bench.gateway import PARTS, parse_arguments
from bench.machine import MissingPrograms, require_programs

from ostiary.gateway.decider.metrics import Metrics


def test_a_whole_run_fits_into_eight_minutes() -> None:
    plan, _ = parse_arguments([])
    assert plan.parts == frozenset(PARTS)
    assert plan.trials == 200
    assert plan.estimated_seconds <= 480


def test_a_quick_run_fits_into_a_minute_and_a_half() -> None:
    plan, _ = parse_arguments(["--quick"])
    assert plan.estimated_seconds <= 90


def test_one_part_can_be_had_alone() -> None:
    plan, _ = parse_arguments(["--only", "memory", "--only", "decisions"])
    assert plan.parts == {"memory", "decisions"}


@pytest.mark.parametrize("arguments", [["--write-docs", "--quick"], ["--write-docs", "--only", "memory"]])
def test_the_documentation_takes_whole_runs_only(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(arguments)


def test_turns_stay_shorter_than_a_grant() -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--seconds", "30"])


def test_missing_programs_are_named_with_the_command_that_installs_them() -> None:
    with pytest.raises(MissingPrograms) as raised:
        require_programs(search="/nowhere")
    assert "wrk" in raised.value.message
    assert "apt-get install" in raised.value.hint
    assert set(machine.PROGRAMS.values()) <= set(raised.value.hint.split())


def test_a_run_that_cannot_begin_says_why_and_fails(monkeypatch, capsys) -> None:
    def refuse() -> None:
        raise MissingPrograms("Not installed: wrk.", hint="Run: apt-get install wrk")

    monkeypatch.setattr(gateway, "require_programs", refuse)
    assert gateway.main([]) == 1
    assert "apt-get install wrk" in capsys.readouterr().err


def test_decisions_are_counted_in_the_services_own_words() -> None:
    metrics = Metrics()
    text = metrics.expose().body.decode()
    assert DECISIONS.findall(text) == []
    metrics._decisions.update({("echo", "allowed"): 7, ("echo", "person_disabled"): 2})
    counts = [float(count) for count in DECISIONS.findall(metrics.expose().body.decode())]
    assert sorted(counts) == [2, 7]
