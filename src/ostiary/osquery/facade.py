"""All that web, the command line and the worker use of this room."""

from ostiary.osquery.domain.hosts import Host, NewSecret, Secret, SecretExists, UnknownHost, UnknownSecret, UnusableHost
from ostiary.osquery.domain.messages import Answered, Asked, Enrol, Logged, UnreadableRequest
from ostiary.osquery.queries import get_host, list_hosts, list_secrets
from ostiary.osquery.services.answering import ask_host, configure_host, enrol_host, take_answers, take_log
from ostiary.osquery.services.hosts import link_host, remove_host, unlink_host
from ostiary.osquery.services.secrets import add_secret, revoke_all_secrets, revoke_secret

__all__ = [
    "Answered",
    "Asked",
    "Enrol",
    "Host",
    "Logged",
    "NewSecret",
    "Secret",
    "SecretExists",
    "UnknownHost",
    "UnknownSecret",
    "UnreadableRequest",
    "UnusableHost",
    "add_secret",
    "ask_host",
    "configure_host",
    "enrol_host",
    "get_host",
    "link_host",
    "list_hosts",
    "list_secrets",
    "remove_host",
    "revoke_all_secrets",
    "revoke_secret",
    "take_answers",
    "take_log",
    "unlink_host",
]
