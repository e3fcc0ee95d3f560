"""Readies Django for a command: the right instance, as the right user."""

import os

from ostiary.cli.operator import become_owner
from ostiary.config.loader import find_home, load_instance
from ostiary.config.places import Instance


def setup() -> Instance:
    """Load the instance in `OSTIARY_HOME`, act as its owner, start Django; return the instance.

    Call it before importing models, facades or anything else that needs Django. Calling it again is free.

    Raises:
        ConfigurationError: when the instance cannot be used.
        MissingSecret: when a secret is absent.
        WrongUser: when the process may not act as the instance's owner.
    """
    os.umask(0o077)
    home = find_home()
    instance = load_instance(home)
    become_owner(home)
    os.environ["OSTIARY_HOME"] = str(instance.home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostiary.config.django")

    import django

    django.setup()
    return instance
