"""What a run must reach, how rounds become one figure, and which runs are thrown away."""

import msgspec
import pytest
from bench.figures import GOALS, Figures, last_line, missed_goals, read_line
from bench.load import InvalidRun, Load, parse_load
from bench.page import END, PAGE, START, render_section, write_page
from bench.upstream import parse_requests
from bench.variants import Run, Variant, check_counts, ratio, summarise

WRK = """Running 1s test @ https://echo.example.test:8443/
  32 threads and 32 connections
Requests/sec:  11741.00

{"requests": 23502, "microseconds": 2000000, "connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0, "p50_us": 2580, "p99_us": 5142}
"""
GOOD = Figures(
    grant_throughput_ratio=0.8,
    grant_cpu_ratio=1.2,
    slow_throughput_ratio=0.4,
    cold_decision_us_10=80.0,
    cold_decision_us_10000=100.0,
    warm_decision_us=3.0,
    revocation_ms_p99=20.0,
    signin_per_second=12.0,
    resident_mb=400.0,
)


def make_load(requests: int = 1000) -> Load:
    return Load(
        requests=requests, microseconds=10**6, connect=0, read=0, write=0, status=0, timeout=0, p50_us=1, p99_us=2
    )


def make_run(variant: str, per_second: float, cpu_us: float = 10.0) -> Run:
    return Run(
        variant=variant,
        per_second=per_second,
        cpu_us=cpu_us,
        decider_cpu_us=0.0,
        p50_us=1,
        p99_us=2,
        requests=int(per_second),
    )


def test_the_last_line_of_wrk_is_the_load() -> None:
    load = parse_load(WRK)
    assert load.per_second == 11751.0
    assert load.errors == 0


def test_output_without_figures_is_no_run() -> None:
    with pytest.raises(InvalidRun):
        parse_load("unable to connect to 127.0.0.1:1")


@pytest.mark.parametrize("answered", [999, 1200])
def test_answers_that_did_not_come_from_the_application_spoil_a_run(answered: int) -> None:
    variant = Variant(name="none", proxy=1, target=lambda: pytest.fail("not used"))
    check_counts(variant, make_load(), answered=1001, decided=0)
    with pytest.raises(InvalidRun):
        check_counts(variant, make_load(), answered=answered, decided=0)


@pytest.mark.parametrize(("decides", "decided"), [(0, 500), (1, 0), (1, 2000)])
def test_a_variant_must_be_decided_as_it_claims(decides: int, decided: int) -> None:
    variant = Variant(name="v", proxy=1, target=lambda: pytest.fail("not used"), decides=decides)
    check_counts(variant, make_load(), answered=1000, decided=decides * 1000)
    with pytest.raises(InvalidRun):
        check_counts(variant, make_load(), answered=1000, decided=decided)


def test_a_ratio_is_taken_inside_each_round() -> None:
    runs = [
        make_run("none", 100),
        make_run("grant", 80),
        make_run("none", 50),
        make_run("grant", 40),
        make_run("none", 10),
        make_run("grant", 9),
    ]
    assert ratio(runs, "grant", "none", "per_second") == 0.8
    assert summarise(runs, "grant").per_second == 40


def test_rounds_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio([make_run("none", 1), make_run("none", 1), make_run("grant", 1)], "grant", "none", "per_second")


def test_a_run_that_reaches_everything_misses_nothing() -> None:
    assert missed_goals(GOOD) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grant_throughput_ratio", 0.74),
        ("grant_cpu_ratio", 1.36),
        ("slow_throughput_ratio", 0.29),
        ("cold_decision_us_10", 151.0),
        ("cold_decision_us_10000", 151.0),
        ("warm_decision_us", 10.1),
        ("revocation_ms_p99", 50.1),
        ("resident_mb", 601.0),
    ],
)
def test_each_goal_can_be_missed(field: str, value: float) -> None:
    assert field in missed_goals(msgspec.structs.replace(GOOD, **{field: value}))


def test_the_two_cold_figures_may_not_drift_apart() -> None:
    assert "cold_decision_spread" in missed_goals(msgspec.structs.replace(GOOD, cold_decision_us_10000=130.0))


def test_what_was_not_measured_is_neither_missed_nor_printed() -> None:
    assert missed_goals(Figures()) == ()
    assert "grant_cpu_ratio" not in last_line(Figures())


def test_the_last_line_is_one_line_of_json() -> None:
    assert "\n" not in last_line(GOOD)
    assert msgspec.json.decode(last_line(GOOD))["slow_throughput_ratio"] == 0.4


def test_the_upstream_counter_is_read_from_the_status_page() -> None:
    page = "Active connections: 1 \nserver accepts handled requests\n 7 7 4211 \nReading: 0 Writing: 1 Waiting: 0 \n"
    assert parse_requests(page) == 4211
    with pytest.raises(ValueError, match="status page"):
        parse_requests("<html>not found</html>")


def test_writing_the_page_leaves_the_words_around_the_figures(tmp_path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Words\n\n{START}\nstale words\n{END}\n\nMore words.\n")
    write_page(GOOD, page)
    text = page.read_text()
    assert text.startswith("# Words\n")
    assert text.endswith("More words.\n")
    assert "stale words" not in text
    assert render_section(GOOD) in text
    for goal in GOALS:
        assert f"`{goal.field}`" in text


def test_the_figures_in_the_documentation_are_those_of_its_own_run() -> None:
    text = PAGE.read_text()
    shown = text.partition(START)[2].partition(END)[0].strip()
    line = shown.partition("```json\n")[2].partition("\n```")[0]
    assert shown == render_section(read_line(line))
