"""The console's lists and their columns. What can be exported has every one of them; templates draw the cells."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from ostiary.web.console.columns import Column, Table
from ostiary.web.console.permissions import Resource

PEOPLE: Final = Table(
    "people",
    "person",
    (
        Column("person", _("Person")),
        Column("state", _("State")),
        Column("groups", _("Groups")),
        Column("methods", _("Authenticators")),
        Column("last_sign_in", _("Last sign-in")),
        Column("created", _("Created"), usual=False),
        Column("id", _("Identifier"), usual=False),
    ),
    exported=Resource.PEOPLE,
)
GROUPS: Final = Table(
    "groups",
    "group",
    (
        Column("group", _("Group")),
        Column("description", _("Description")),
        Column("members", _("Members"), "amount"),
        Column("owner", _("Answers for it")),
    ),
)
ROLES: Final = Table(
    "roles",
    "role",
    (
        Column("role", _("Role")),
        Column("brings", _("Brings")),
        Column("people", _("People"), "amount"),
        Column("owner", _("Answers for it")),
        Column("description", _("Description"), usual=False),
    ),
)
MEMBERS: Final = Table(
    "members",
    "person",
    (
        Column("person", _("Person")),
        Column("way", _("Way")),
        Column("since", _("Since")),
        Column("until", _("Until")),
        Column("by", _("Put in by")),
        Column("reason", _("Reason")),
    ),
    exported=Resource.GROUPS,
)
DIRECTORIES: Final = Table(
    "directories",
    "directory",
    (
        Column("directory", _("Directory")),
        Column("issuer", _("Issuer")),
        Column("newcomers", _("Newcomers")),
        Column("people", _("People"), "amount"),
    ),
)
LINKED: Final = Table(
    "linked",
    "person",
    (
        Column("person", _("Person")),
        Column("there", _("Account there")),
        Column("since", _("Linked")),
        Column("used", _("Last used")),
    ),
)
APPS: Final = Table(
    "apps",
    "app",
    (
        Column("app", _("App")),
        Column("address", _("Address")),
        Column("labels", _("Labels")),
        Column("health", _("Health")),
        Column("contact", _("Contact"), usual=False),
    ),
    exported=Resource.APPS,
)
CLIENTS: Final = Table(
    "clients",
    "app",
    (
        Column("app", _("App")),
        Column("redirect", _("Redirect URI")),
        Column("proof", _("Proves itself by")),
        Column("sign_ins", _("Sign-ins"), "amount"),
        Column("pkce", _("PKCE"), usual=False),
        Column("logout", _("Told of sign-outs"), usual=False),
        Column("product", _("Product"), usual=False),
        Column("added", _("Added"), usual=False),
    ),
    exported=Resource.APPS,
)
SAML_APPS: Final = Table(
    "saml",
    "app",
    (
        Column("app", _("App")),
        Column("named", _("People are named")),
        Column("requests", _("Its requests")),
        Column("opened", _("Opened from here")),
        Column("takes", _("Takes sign-ins at"), usual=False),
        Column("sign_out", _("Takes sign-outs at"), usual=False),
        Column("attributes", _("Attributes"), usual=False),
        Column("certificates", _("Certificates"), "amount", usual=False),
    ),
    exported=Resource.APPS,
)
REQUESTS: Final = Table(
    "requests",
    "request",
    (
        Column("request", _("Who asks for what")),
        Column("state", _("State")),
        Column("reason", _("Why")),
        Column("asked", _("Asked")),
        Column("ends", _("Ends")),
        Column("by", _("Answered by")),
        Column("comment", _("Comment"), usual=False),
    ),
    exported=Resource.REQUESTS,
)
REVIEWS: Final = Table(
    "reviews",
    "review",
    (
        Column("review", _("Review")),
        Column("progress", _("Answered")),
        Column("open", _("Open"), "amount"),
        Column("started", _("Started")),
        Column("deadline", _("Deadline")),
        Column("closed", _("Closed")),
        Column("by", _("Closed by"), usual=False),
    ),
)
SERVICES: Final = Table(
    "services",
    "service",
    (
        Column("service", _("Service")),
        Column("state", _("State")),
        Column("owner", _("Answers for it")),
        Column("used", _("Last used")),
        Column("ends", _("Ends")),
        Column("keys", _("Keys"), "amount", usual=False),
        Column("issuers", _("Issuers"), "amount", usual=False),
    ),
)
DEVICES: Final = Table(
    "devices",
    "device",
    (
        Column("device", _("Device")),
        Column("state", _("State")),
        Column("standing", _("Requirements")),
        Column("owner", _("Belongs to")),
        Column("system", _("Operating system"), usual=False),
        Column("looks", _("What looks bad")),
        Column("told", _("Last told of"), usual=False),
        Column("platform", _("Platform, as it says"), usual=False),
        Column("seen", _("Last seen"), usual=False),
        Column("certificate", _("Certificate ends"), usual=False),
        Column("enrolled", _("Enrolled"), usual=False),
        Column("approved", _("Approved by"), usual=False),
        Column("key", _("Key"), usual=False),
    ),
    exported=Resource.DEVICES,
)
FINDINGS: Final = Table(
    "software",
    "advisory",
    (
        Column("advisory", _("Advisory")),
        Column("severity", _("Severity")),
        Column("package", _("Package")),
        Column("fixed", _("Mended in")),
        Column("devices", _("Devices"), "amount"),
        Column("summary", _("What it says")),
        Column("score", _("CVSS score"), "amount", usual=False),
    ),
    exported=Resource.SOFTWARE,
)
SEEN: Final = Table(
    "seen",
    "person",
    (
        Column("person", _("Person")),
        Column("browser", _("Browser")),
        Column("last", _("Last seen")),
        Column("first", _("First seen")),
        Column("network", _("From the network")),
        Column("requests", _("Requests"), "amount"),
        Column("device", _("Has an enrolled device"), usual=False),
        Column("state", _("What was done")),
    ),
    exported=Resource.DEVICES,
)
SESSIONS: Final = Table(
    "sessions",
    "person",
    (
        Column("person", _("Person")),
        Column("browser", _("Browser")),
        Column("address", _("Address")),
        Column("proved", _("Proved")),
        Column("began", _("Began"), usual=False),
        Column("last_seen", _("Last seen")),
        Column("ends", _("Ends")),
    ),
    exported=Resource.SESSIONS,
)
TRANSMITTERS: Final = Table(
    "transmitters",
    "system",
    (
        Column("system", _("System")),
        Column("state", _("State")),
        Column("may", _("Its signals may")),
        Column("how", _("How")),
        Column("signals", _("Signals"), "amount"),
        Column("last", _("Last")),
        Column("verified", _("Verified"), usual=False),
    ),
)
STREAMS: Final = Table(
    "streams",
    "receiver",
    (
        Column("receiver", _("Receiver")),
        Column("state", _("State")),
        Column("how", _("Where")),
        Column("waiting", _("Waiting"), "amount"),
        Column("taken", _("Taken"), "amount"),
        Column("dropped", _("Dropped"), "amount"),
        Column("refused", _("Refused"), "amount", usual=False),
        Column("verified", _("Verified")),
    ),
)
TOLD: Final = Table(
    "told",
    "event",
    (
        Column("event", _("What and of whom")),
        Column("when", _("When")),
        Column("from", _("From")),
        Column("outcome", _("What became of it")),
        Column("words", _("Words")),
        Column("jti", _("Identifier"), usual=False),
    ),
)
DECISIONS: Final = Table(
    "decisions",
    "happened",
    (
        Column("when", _("When")),
        Column("outcome", _("Outcome")),
        Column("happened", _("What happened")),
        Column("request", _("Request")),
        Column("rule", _("Rule"), usual=False),
        Column("address", _("Address"), usual=False),
        Column("country", _("Country"), usual=False),
        Column("reference", _("Reference")),
    ),
    exported=Resource.DECISIONS,
)
EVENTS: Final = Table(
    "audit",
    "happened",
    (
        Column("when", _("When")),
        Column("happened", _("What happened")),
        Column("kind", _("Kind"), usual=False),
        Column("actor", _("By"), usual=False),
        Column("target", _("About"), usual=False),
        Column("reason", _("Reason"), usual=False),
        Column("address", _("Address")),
        Column("result", _("Result")),
    ),
    exported=Resource.AUDIT,
)
HISTORY: Final = Table(
    "history",
    "number",
    (
        Column("number", _("Number"), "amount"),
        Column("when", _("When")),
        Column("by", _("By")),
        Column("comment", _("What and why")),
        Column("then", _("What became of it")),
        Column("version", _("Version"), usual=False),
    ),
)
UNUSED: Final = Table(
    "unused",
    "part",
    (
        Column("part", _("Takes out")),
        Column("rule", _("Of the rule")),
        Column("who", _("Who")),
        Column("to", _("To")),
        Column("do", _("Do")),
    ),
    exported=Resource.RULES,
)
TABLES: Final = (
    PEOPLE,
    GROUPS,
    ROLES,
    MEMBERS,
    DIRECTORIES,
    LINKED,
    APPS,
    CLIENTS,
    SAML_APPS,
    REQUESTS,
    SERVICES,
    DEVICES,
    FINDINGS,
    SEEN,
    SESSIONS,
    TRANSMITTERS,
    STREAMS,
    TOLD,
    DECISIONS,
    EVENTS,
    HISTORY,
    UNUSED,
)
