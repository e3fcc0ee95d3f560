"""What `ostiary.toml` may say. Every key has a safe default; reading the file lives in `loader`.

Durations are in the unit their name ends in. The sentences below are what an operator reads: the commented file that
`ostiary init` writes and the reference page are made from them (`keys`, `document`). The tables stand beside this module, by what they are about.
"""

from typing import Literal

from ostiary.config.schema_decisions import Decisions, Record, Rules
from ostiary.config.schema_machine import Database, Gateway, Mail, Tls
from ostiary.config.schema_people import Access, Authenticators, Devices, Reviews, SignIn
from ostiary.config.schema_programs import Authzen, Osquery, Scim, Signals, Workloads
from ostiary.config.section import Section

__all__ = [
    "Access",
    "Authenticators",
    "Authzen",
    "Configuration",
    "Database",
    "Decisions",
    "Devices",
    "Gateway",
    "Mail",
    "Osquery",
    "Record",
    "Reviews",
    "Rules",
    "Scim",
    "Section",
    "SignIn",
    "Signals",
    "Tls",
    "Workloads",
]


class Configuration(Section, frozen=True, kw_only=True):
    """The whole file.

    Args:
        domain: the domain of the instance; sign-in is at `id.<domain>`, the console at `admin.<domain>`.
        organisation: the name people see.
        contact: whom a person can write to who cannot get in.
        log_level: of the processes' own logs.
    """

    domain: str
    organisation: str = ""
    contact: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    gateway: Gateway = Gateway()
    tls: Tls = Tls()
    database: Database = Database()
    mail: Mail = Mail()
    sign_in: SignIn = SignIn()
    authenticators: Authenticators = Authenticators()
    decisions: Decisions = Decisions()
    authzen: Authzen = Authzen()
    scim: Scim = Scim()
    signals: Signals = Signals()
    osquery: Osquery = Osquery()
    access: Access = Access()
    workloads: Workloads = Workloads()
    devices: Devices = Devices()
    reviews: Reviews = Reviews()
    rules: Rules = Rules()
    record: Record = Record()
