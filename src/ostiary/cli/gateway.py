"""`ostiary gateway`: what the data plane is told, and whether it follows."""

from typing import Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.output import ExitCode, JsonOption, examples, print_done, print_json, print_note, print_text

app = typer.Typer(help="The configuration of the gateway.", no_args_is_help=True)


@app.command(
    epilog=examples("ostiary gateway plan", "ostiary gateway plan --full > envoy.json", "ostiary gateway plan --json")
)
def plan(
    full: Annotated[bool, typer.Option("--full", help="Print every planned file whole.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Let Envoy check it, and exit with 5 when it differs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how the configuration would change if it were applied now."""
    instance = setup()
    from ostiary.gateway.dataplane import applied_generation, diff_plan, try_plan
    from ostiary.gateway.reconfigure import plan_now, rejection

    planned = plan_now(instance)
    if check:
        try_plan(planned, instance)
    differences = diff_plan(planned, instance)
    if as_json:
        print_json(
            {
                "generation": planned.generation,
                "applied_generation": applied_generation(instance),
                "problems": planned.problems,
                "rejected": rejection(instance) or None,
                "changes": {difference.name: difference.text for difference in differences},
            }
        )
    elif full:
        print_text("\n".join(f"# {name}\n{content.decode()}" for name, content in planned.files.items()))
    elif differences:
        print_text("\n".join(difference.text for difference in differences))
    else:
        print_note("The gateway has this configuration already.")
    for problem in (*planned.problems, rejection(instance)):
        if problem and not as_json:
            print_note(problem)
    if check and differences:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command(epilog=examples("ostiary gateway apply", "ostiary gateway apply --json"))
def apply(as_json: JsonOption = False) -> None:
    """Check the configuration with Envoy and put it into force. A rejected one changes nothing."""
    instance = setup()
    from ostiary.gateway.dataplane import applied_generation
    from ostiary.gateway.publisher import publish
    from ostiary.gateway.reconfigure import reconfigure

    publish("command")
    changed = reconfigure(instance, again=True)
    if as_json:
        print_json({"generation": applied_generation(instance), "changed": changed})
        return
    if changed:
        print_done(f"In force: generation {applied_generation(instance)}, {', '.join(changed)} changed.")
    else:
        print_done("The gateway had this configuration already.")
