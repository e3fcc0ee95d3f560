"""Runs Django's own checks on a throw-away instance: missing migrations, and everything `check --deploy` knows.

Run as `python -m tools.deploy_check`.
"""

import os
import sys

import tests.typing_settings  # noqa: F401 - makes the instance the settings need


def main() -> int:
    """Return 0 when Django finds nothing to say."""
    import django  # noqa: PLC0415 - the instance must exist first
    from django.core.management import call_command  # noqa: PLC0415

    os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
    django.setup()
    call_command("check", "--deploy", "--fail-level", "WARNING")
    call_command("makemigrations", "--check", "--dry-run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
