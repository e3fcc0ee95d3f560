"""`ostiary signal transmitter`: the systems whose signals are listened to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.operator import operator_actor
from ostiary.cli.output import (
    JsonOption,
    ReasonOption,
    Refused,
    YesOption,
    confirm,
    examples,
    print_done,
    print_json,
    print_note,
    print_outcome,
    print_table,
    print_text,
)
from ostiary.cli.signal import app as signal_app
from ostiary.cli.signal import say_when_switched_off

if TYPE_CHECKING:
    from ostiary.signals.facade import Transmitter

app = typer.Typer(
    help="Systems that are listened to: add, allow, list, show, verify, release, discard, remove.", no_args_is_help=True
)
signal_app.add_typer(app, name="transmitter")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What it is called here: small letters, hyphens.")]
MayOption = Annotated[str, typer.Option(help="What its events may bring about: record, end-sessions or disable.")]


@app.command(
    epilog=examples(
        "ostiary signal transmitter add okta --issuer https://example.okta.com --may end-sessions",
        "ostiary signal transmitter add mdm --issuer https://mdm.example.com --may end-sessions "
        "--email-domain example.com --token-file mdm.token",
    )
)
def add(
    name: NameArgument,
    issuer: Annotated[str, typer.Option(help="The issuer of its tokens, exactly as it writes it.")],
    may: MayOption = "record",
    audience: Annotated[str, typer.Option(help="What we are called there; our sign-in address by default.")] = "",
    metadata_url: Annotated[
        str,
        typer.Option("--metadata-url", help="Where it describes itself, if not at the usual place below its issuer."),
    ] = "",
    subject_issuer: Annotated[
        list[str] | None, typer.Option("--subject-issuer", help="Whose accounts it may speak of; its own by default.")
    ] = None,
    email_domain: Annotated[
        list[str] | None, typer.Option("--email-domain", help="A domain whose addresses it may name people by.")
    ] = None,
    may_disable_administrators: Annotated[
        bool, typer.Option("--may-disable-administrators", help="People who may use the console are disabled too.")
    ] = False,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file with the token by which it may be asked for streams.")
    ] = None,
    older_form: Annotated[
        bool, typer.Option("--older-form", help="It sends tokens as before SSF 1.0: untyped, the subject in the event.")
    ] = False,
    by_signature: Annotated[
        bool, typer.Option("--by-signature", help="It cannot send a token with its events: their signature has to do.")
    ] = False,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Listen to a system; print the token that it has to send, which is shown once and kept nowhere."""
    instance = setup()
    from ostiary.signals.facade import add_transmitter, push_url

    added = add_transmitter(
        name,
        issuer=issuer,
        may=may,
        audience=audience,
        metadata_url=metadata_url,
        subject_issuers=tuple(subject_issuer or ()),
        email_domains=tuple(email_domain or ()),
        may_disable_administrators=may_disable_administrators,
        older_form=older_form,
        by_signature=by_signature,
        management_token=_read_token_file(token_file) if token_file is not None else "",
        reason=reason,
        actor=operator_actor(),
    )
    if as_json:
        print_json({"token": added.token, "url": push_url(name), **_entry(added.transmitter)})
        return
    if added.token:
        print_text(added.token)
    print_done(f"Signals of {name} are taken, and may: {added.transmitter.may.value}.")
    if added.transmitter.manages:
        print_note(f"Make a stream there: ostiary signal stream create {name}")
    print_note(f"Where a stream is made by hand, it sends to {push_url(name)}")
    if added.token:
        print_note("with the header  Authorization: Bearer  and the token above, which is shown this once.")
    say_when_switched_off(instance)


@app.command(
    epilog=examples(
        "ostiary signal transmitter allow okta --may disable",
        "ostiary signal transmitter allow okta --may record --reason 'too many false alarms' --json",
    )
)
def allow(name: NameArgument, may: MayOption, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Change what a transmitter's events may bring about, from its next one on."""
    setup()
    from ostiary.signals.facade import allow_transmitter

    changed = allow_transmitter(name, may=may, reason=reason, actor=operator_actor())
    print_outcome(_entry(changed), f"Signals of {name} may from now on: {changed.may.value}.", as_json=as_json)


@app.command("list", epilog=examples("ostiary signal transmitter list", "ostiary signal transmitter list --json"))
def list_(as_json: JsonOption = False) -> None:
    """List the systems that are listened to."""
    instance = setup()
    from ostiary.signals.facade import list_transmitters

    found = list_transmitters()
    if as_json:
        print_json([_entry(one) for one in found])
        return
    print_table(
        ("Transmitter", "Issuer", "May", "How", "Signals", "Last", "Verified", "State"),
        (
            (
                one.name,
                one.issuer,
                one.may.value,
                one.delivery,
                str(one.received),
                day_and_time(one.received_at) or "never",
                day_and_time(one.verified_at) or "never",
                _state(one),
            )
            for one in found
        ),
        right=("Signals",),
        empty="Nobody is listened to. Listen to a system: ostiary signal transmitter add --help",
    )
    say_when_switched_off(instance)


@app.command(epilog=examples("ostiary signal transmitter show okta", "ostiary signal transmitter show okta --json"))
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show one transmitter."""
    setup()
    from ostiary.signals.facade import get_transmitter, push_url

    one = get_transmitter(name)
    if as_json:
        print_json({"url": push_url(name), **_entry(one)})
        return
    facts = (
        ("Transmitter", one.name),
        ("Issuer", one.issuer),
        ("Describes itself at", one.metadata_url),
        ("Calls us", one.audience),
        ("May", one.may.value),
        ("Speaks of accounts of", ", ".join(one.subject_issuers)),
        ("Speaks of addresses at", ", ".join(one.email_domains) or None),
        ("Disables administrators", "yes" if one.may_disable_administrators else "no"),
        (
            "Sends to" if one.delivery == "push" else "Is asked",
            push_url(name) if one.delivery == "push" else "by the worker",
        ),
        ("Stream", one.stream_id or "set up there by hand"),
        ("State", _state(one)),
        ("Signals", str(one.received)),
        ("Last", day_and_time(one.received_at)),
        ("Verified", day_and_time(one.verified_at)),
        ("Problem", one.problem or None),
    )
    print_table(("What", "Value"), facts, empty="")


@app.command(epilog=examples("ostiary signal transmitter verify okta", "ostiary signal transmitter verify okta --json"))
def verify(name: NameArgument, as_json: JsonOption = False) -> None:
    """Ask a transmitter to send a verification; `show` says when it arrived."""
    setup()
    from ostiary.signals.facade import ask_for_verification

    asked = ask_for_verification(name, actor=operator_actor())
    words = f"{name} was asked for a verification."
    print_outcome(_entry(asked), words, f"When it arrived: ostiary signal transmitter show {name}", as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary signal transmitter release okta",
        "ostiary signal transmitter release okta --yes --reason 'we did close that office' --json",
    )
)
def release(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Let through what is held, because it was too much at once."""
    setup()
    from ostiary.signals.facade import get_transmitter, release_signals

    held = get_transmitter(name).held
    confirm(f"This does what {held} held signals of {name} ask for: people lose their sign-ins or accounts.", yes=yes)
    done = release_signals(name, reason=reason, actor=operator_actor())
    words = f"{done} signals were let through, and those to come are taken as before."
    print_outcome({"signals": done, **_entry(get_transmitter(name))}, words, as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary signal transmitter discard okta",
        "ostiary signal transmitter discard okta --yes --reason 'a mistake there' --json",
    )
)
def discard(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Throw away what is held, because it was too much at once."""
    setup()
    from ostiary.signals.facade import discard_signals, get_transmitter

    held = get_transmitter(name).held
    confirm(f"This throws {held} held signals of {name} away: nobody loses anything by them.", yes=yes)
    done = discard_signals(name, reason=reason, actor=operator_actor())
    words = f"{done} signals were thrown away, and those to come are taken as before."
    print_outcome({"signals": done, **_entry(get_transmitter(name))}, words, as_json=as_json)


@app.command(
    epilog=examples(
        "ostiary signal transmitter remove okta",
        "ostiary signal transmitter remove okta --yes --reason 'we left Okta' --json",
    )
)
def remove(name: NameArgument, reason: ReasonOption = "", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Listen to a system no more. Whom it disabled stays disabled; the record keeps what it told."""
    setup()
    from ostiary.signals.facade import remove_transmitter

    confirm(f"From now on nothing that {name} tells is taken.", yes=yes)
    removed = remove_transmitter(name, reason=reason, actor=operator_actor())
    print_outcome(_entry(removed), f"{name} is not listened to any more.", as_json=as_json)


def _read_token_file(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.", hint="Put the token alone into the file.") from None


def _entry(transmitter: "Transmitter") -> dict[str, object]:
    return {**msgspec.structs.asdict(transmitter), "state": _state(transmitter)}


def _state(transmitter: "Transmitter") -> str:
    if transmitter.held_at is not None:
        return f"held: {transmitter.held}"
    if transmitter.problem:
        return "problem"
    return transmitter.status or "listening"
