"""`ostiary explain`: why somebody would be let in or refused, or was, and the least that would change it."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import JsonOption, Refused, examples, print_json, print_note, print_text

if TYPE_CHECKING:
    from ostiary.gateway.explaining import PastExplanation
    from ostiary.gateway.inquiry import Assumed, Inquiry
    from ostiary.policy.snapshot import Rules
    from ostiary.policy.why.explainer import Explanation
    from ostiary.policy.why.seen import RuleSeen

app = typer.Typer()

_MARKS = {True: "✓", False: "✗", None: "?"}


@app.command(
    epilog=examples(
        "ostiary explain 7F3K9-2QXAB",
        "ostiary explain --as ada@example.com --to app:wiki --mfa otp --mfa-age 10m",
        "ostiary explain --as ada@example.com --to app:payroll --at '2026-11-23 06:10 Europe/Berlin' --rules new.yaml",
    )
)
def explain(
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="A decision on record, by the reference on the refusal page.")
    ] = "",
    who: Annotated[str, typer.Option("--as", help="Who asks: an e-mail address, or a person's identifier.")] = "",
    to: Annotated[str, typer.Option("--to", help="What they ask for: app:wiki.")] = "",
    do: Annotated[str, typer.Option("--do", help="view, edit, delete or connect; left out: view.")] = "",
    path: Annotated[str, typer.Option("--path", help="The path in the app; left out: /.")] = "",
    device: Annotated[
        str, typer.Option("--device", help="What is known of it: managed=true,os_version=14; left out: nothing.")
    ] = "",
    address: Annotated[str, typer.Option("--from", help="The address they come from; left out: not known.")] = "",
    country: Annotated[
        str,
        typer.Option("--country", help="Two letters; left out: the address's, where a country database is configured."),
    ] = "",
    risk: Annotated[str, typer.Option("--risk", help="0 to 100, or unknown; left out: 0.")] = "",
    mfa: Annotated[
        str,
        typer.Option(
            "--mfa",
            help="What they proved besides a password: none, any, otp, phishing-resistant; left out: the best they have set up.",
        ),
    ] = "",
    mfa_age: Annotated[str, typer.Option("--mfa-age", help="How long ago: 10m, 12h; left out: just now.")] = "",
    at: Annotated[str, typer.Option("--at", help="When: 2026-11-23 09:00 Europe/Berlin; left out: now.")] = "",
    session: Annotated[str, typer.Option("--session", help="A sign-in of theirs, for what they proved in it.")] = "",
    rules: Annotated[
        str,
        typer.Option("--rules", metavar="FILE", help="Other rules, - for standard input; left out: those in force."),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Explain a decision: what each rule asked and saw, and the least change of facts that would open it.

    Exits with 0 whether it is allowed or refused.
    """
    if bool(reference) == bool(who) or bool(who) != bool(to):
        raise Refused(
            "Say which decision to explain.", hint="Give a REFERENCE, or --as PERSON and --to app:NAME. See: --help"
        )
    setup()
    if reference:
        _explain_record(reference, as_json=as_json)
        return
    from ostiary.gateway.explaining import explain_inquiry
    from ostiary.gateway.inquiry import pose

    written = {"to": to if ":" in to else f"app:{to}", "do": do, "path": path, "device": device, "from": address}
    written |= {"country": country, "risk": risk, "mfa": mfa, "mfa_age": mfa_age, "at": at}
    inquiry = pose(who=who, written=written, session=session, now=time.time())
    explanation = explain_inquiry(inquiry, _rules_in(rules))
    if as_json:
        print_json({"allowed": explanation.allowed, "assumed": inquiry.assumed, "explanation": explanation})
    else:
        _print_inquiry(inquiry, explanation, rules or "the rules in force")


def _rules_in(file: str) -> "Rules | None":
    """Return the rules in a file, in which every name must exist; `None` for those in force."""
    if not file:
        return None
    from ostiary.cli.rules import read_texts
    from ostiary.gateway.known_names import known_names
    from ostiary.policy.identifiers import PolicyVersion
    from ostiary.policy.rules.reader import read_rules
    from ostiary.policy.snapshot import Rules

    document, cedar = read_texts(file, None)
    read_rules(document, known_names())
    return Rules(document=document, cedar=cedar, version=PolicyVersion(file))


def _explain_record(reference: str, *, as_json: bool) -> None:
    from ostiary.gateway.explaining import explain_record
    from ostiary.visibility.facade import get_decision

    past = explain_record(get_decision(reference))
    if as_json:
        print_json({"outcome": past.record.outcome, "agrees": past.agrees, **msgspec.structs.asdict(past)})
    else:
        _print_record(past)


def _print_record(past: "PastExplanation") -> None:
    record = past.record
    who = record.email or record.person_id or "Somebody not signed in"
    asked = f"{record.http.method} https://{record.http.host}{record.http.path}"
    print_text(f"{who} was {record.outcome} on {day_and_time(record.at)}: {asked}")
    if not past.rules_asked:
        print_text(f"No rule was asked: {getattr(record.decision, 'reason', '')}.")
    elif past.then is None:
        print_text(f"The rules of then (version {record.decision.policy_version}) are not in the history.")
    else:
        if not past.agrees:
            print_note(
                "What is on record rests on more than these rules: an emergency sign-in, or another way to read the path."
                " Asked again, the rules alone say:"
            )
        print_text(f"\nUnder the rules of then (number {past.number_then})")
        _print_explanation(past.then)
    if past.now is not None:
        print_text(f"\nUnder the rules in force now (number {past.number_now})")
        _print_explanation(past.now)


def _print_inquiry(inquiry: "Inquiry", explanation: "Explanation", rules: str) -> None:
    request = explanation.request
    may = "may" if explanation.allowed else "may not"
    what = f"{request.action} {request.resource.app} at {request.resource.path}"
    print_text(f"{inquiry.person.email} {may} {what}, on {day_and_time(explanation.at)}, under {rules}.")
    print_text(f"Assumed: {'; '.join(map(_assumption, inquiry.assumed)) or 'nothing'}.")
    _print_explanation(explanation)


def _assumption(assumed: "Assumed") -> str:
    unknown = "now" if assumed.fact == "time" else "not known"
    return f"{assumed.fact} {assumed.value or unknown}" + (", just then" if assumed.fact == "proof" else "")


def _print_explanation(explanation: "Explanation") -> None:
    from ostiary.policy.decision import Allow

    decision = explanation.decision
    if isinstance(decision, Allow):
        print_text(f"Allowed by {', '.join(decision.rules)}.")
        _print_ending(explanation)
    else:
        by = f" by {', '.join(decision.rules)}" if decision.rules else ""
        print_text(f"Refused{by}: {decision.reason.value}.")
        for words in decision.because:
            print_text(f"Because: {words}")
        _print_ways(explanation)
    for rule in (*explanation.in_reach, *explanation.near):
        print_text("\n".join(_rule_lines(rule)))
    if explanation.others:
        more = "One more rule is" if explanation.others == 1 else f"{explanation.others} more rules are"
        print_text(f"\n{more} further from this request.")


def _print_ending(explanation: "Explanation") -> None:
    ending = explanation.ending
    if ending is None:
        print_text("Time alone does not end it.")
        return
    why = [f"{name} denies" for name in ending.rules] + [f"it is allowed {words} only" for words in ending.conditions]
    print_text(f"It ends on {day_and_time(ending.at)}: {', '.join(why)}.")


def _print_ways(explanation: "Explanation") -> None:
    if not explanation.ways:
        print_text("None of the changes of facts that were tried opens it; the rules themselves may have to change.")
        return
    print_text("The least that would open it:")
    for number, way in enumerate(explanation.ways, start=1):
        acts = "; ".join(one.words for one in way.changes)
        print_text(f"  {number}. {acts}  → {', '.join(way.decision.rules)}")


def _rule_lines(rule: "RuleSeen") -> Iterator[str]:
    state = "applies" if rule.applies else f"lacks {rule.lacking}"
    yield f"\n{_MARKS[rule.applies]} {rule.name} ({rule.effect}) {state}"
    asks = max(len(part.asks) for part in rule.parts)
    for part in rule.parts:
        key = part.code if part.key.value in ("who", "to", "do", "paths", "when") else f"unless {part.code}"
        yield f"    {_MARKS[part.fits]} {key:<16} {part.asks:<{asks}}  saw: {part.saw or 'not known'}"
