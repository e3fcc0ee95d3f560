"""A change of rules in words, as the terminal shows it. Making and carrying out the plan lives in `rules_carrying_out`."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ostiary.cli.output import print_note, print_table, print_text
from ostiary.cli.rules import print_report
from ostiary.cli.rules_replay import Untried, missing_words, replay_days
from ostiary.cli.rules_results import print_tests
from ostiary.policy.replay_report import Effect

if TYPE_CHECKING:
    from ostiary.rulebook.facade import Plan, Reach, RulesDifference

MOST_PEOPLE: Final = 50
REPLAY_DAYS: Final = 30


def print_plan(made: "Plan", place: str) -> None:
    """Print what a plan says, for people.

    Args:
        made: the plan.
        place: where the rules come from: a file, `proposal 3`.
    """
    if not made.is_valid or made.difference is None:
        print_report(made.report, place)
        return
    _print_difference(made.difference)
    print_tests(made.report.tests, place)
    for clause in made.clauses:
        rule = clause.clause.rule
        print_text(f"{place}:{rule.line}: {clause.clause.kind} `{rule.name}`: {clause.outcome}. {clause.words}")
    for warning in made.report.warnings:
        print_note(warning)
    if made.reach.people:
        _print_reach(made.reach, place)
    _print_replay(made, place)
    if made.hold_reasons:
        print_note(
            "No administrator could open the console under these rules, not even with everything they have set up. "
            f"They would be on trial for {made.confirm_seconds} seconds, and roll back unless they are confirmed."
        )


def _print_reach(reach: "Reach", place: str) -> None:
    """Say who may open other apps than before, and who has to set up a stronger factor first."""
    shown = reach.people[:MOST_PEOPLE]
    columns = [("Loses", [one.loses for one in shown]), ("Gains", [one.gains for one in shown])]
    if reach.touches_set_up:
        columns.append(("Must set up a stronger factor for", [one.needs_set_up for one in shown]))
        columns.append(("Need not any more for", [one.spared_set_up for one in shown]))
    cells = zip(*(apps for _, apps in columns), strict=True)
    print_table(
        ("Person", *(title for title, _ in columns)),
        ((one.email, *(", ".join(apps) or None for apps in row)) for one, row in zip(shown, cells, strict=True)),
        empty="",
    )
    if len(reach.people) > MOST_PEOPLE:
        print_note(f"And {len(reach.people) - MOST_PEOPLE} more; all of them: ostiary rules plan {place} --json")
    if reach.waiting:
        print_note(
            f"{len(reach.waiting)} of them lose what they can open now only until they set up a stronger factor."
        )


def _print_replay(made: "Plan", place: str) -> None:
    """Say what the rules would have done to what really happened, in a line; `rules replay` says the rest."""
    report = replay_days(made.document, made.cedar, days=REPLAY_DAYS)
    if isinstance(report, Untried):
        print_note(f"They could not be tried on what happened. {report.untried}")
        return
    if not report.requests:
        print_note(f"No request of the last {REPLAY_DAYS} days is kept, so they could not be tried on what happened.")
        return
    lost, gained = (
        f"{report.subjects(effect)} would have {verb} something ({report.count(effect):,} requests)"
        for effect, verb in ((Effect.LOSES, "lost"), (Effect.GAINS, "gained"))
    )
    print_text(f"Of {report.people} people and services in the last {REPLAY_DAYS} days, {lost} and {gained}.")
    if report.count(Effect.TERMS):
        requests = report.count(Effect.TERMS)
        print_text(f"{report.subjects(Effect.TERMS)} would have been allowed on other terms ({requests:,} requests).")
    if report.missing_from is not None:
        print_note(missing_words(report.missing_from))
    if Path(place).is_file() and report.unchanged < report.requests:
        print_note(f"Who and what: ostiary rules replay {place}")


def _print_difference(difference: "RulesDifference") -> None:
    if difference.is_empty:
        print_text("The rules mean the same; only their text differs.")
    for rule in difference.added:
        print_text(f"+ {rule.name}: {rule.words}")
    for rule in difference.removed:
        print_text(f"- {rule.name}: {rule.words}")
    for change in difference.changed:
        print_text(f"~ {change.name}: {change.after}")
        for part in change.parts:
            print_text(f"    {part.part}: {part.before or 'nothing'} → {part.after or 'nothing'}")
    if difference.cedar_changed:
        print_text("~ the Cedar text beside the document")
