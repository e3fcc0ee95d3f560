"""`ostiary device makers`: whose word on TPMs is taken."""

from ostiary.cli.django import setup
from ostiary.cli.moments import day_and_time
from ostiary.cli.output import JsonOption, print_json, print_note, print_table


def makers(as_json: JsonOption = False) -> None:
    """List the TPM makers' certificates that are trusted: what an administrator put into `state/certificates/tpm-vendors`."""
    setup()
    from django.conf import settings

    from ostiary.devices.facade import describe_makers

    found = describe_makers(settings.INSTANCE)
    if as_json:
        print_json(found)
        return
    print_table(
        ("File", "Name", "Ends", "SHA-256"),
        (
            (one.file, one.problem or one.name, day_and_time(one.ends_at) if one.ends_at else "", one.fingerprint)
            for one in found
        ),
        empty="There is none, so every TPM counts as unverified.",
    )
    print_note(f"They are read from {settings.INSTANCE.tpm_vendors} at each enrolment.")
