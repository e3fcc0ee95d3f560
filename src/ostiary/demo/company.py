"""The sample company: who works there, in which groups, with which applications. Invented, every name of it."""

from dataclasses import dataclass
from typing import Final, Literal

ORGANISATION: Final = "Lindenhof Instruments"
MAIL_DOMAIN: Final = "lindenhof.example"


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """One person. `story` says what an account is good for in the demo; those with one get a password and a code."""

    name: str
    groups: tuple[str, ...]
    story: str = ""

    @property
    def email(self) -> str:
        """First name and surname, without marks."""
        plain = self.name.lower().translate(str.maketrans("äöüéèøłńčšžáíóęı", "aoueeolncszaioei"))
        return ".".join(plain.split()) + "@" + MAIL_DOMAIN


@dataclass(frozen=True, slots=True)
class SampleRole:
    """One role, with the person of a story who has it, and the department in which they work."""

    id: str
    name: str
    description: str
    groups: tuple[str, ...]
    holder: str
    department: str


@dataclass(frozen=True, slots=True)
class SampleApp:
    """One application.

    Args:
        kind: the program that serves it.
        port: the loopback port it likes best.
        headers: plain identity headers it wants.
    """

    id: str
    name: str
    description: str
    kind: Literal["handbook", "inspector", "board", "files", "radicale", "readings"]
    port: int
    labels: tuple[str, ...] = ()
    headers: tuple[tuple[str, Literal["email", "id", "name", "groups"]], ...] = ()
    health_path: str = ""


GROUPS: Final = {
    "staff": ("Staff", "Everybody with a contract"),
    "workshop": ("Workshop", "Builds and calibrates"),
    "sales": ("Sales", "Talks to customers"),
    "finance": ("Finance", "Pays and is paid"),
    "management": ("Management", "Decides"),
    "contractors": ("Contractors", "Work for us, elsewhere employed"),
}

ROLES: Final = (
    SampleRole("bookkeeper", "Bookkeeper", "Pays invoices and salaries", ("finance",), "Priya Raman", "Finance"),
    SampleRole(
        "sales-representative", "Sales representative", "Talks to customers", ("sales",), "Mateo Rossi", "Sales"
    ),
)
HEAD: Final = "Ilse Brandt"
"""Answers for the roles, and is whom their holders report to."""

APPS: Final = (
    SampleApp("handbook", "Handbook", "How we do things here", "handbook", 18201),
    SampleApp("files", "Shared files", "Drawings, offers, minutes", "files", 18202, (), (("x-remote-user", "email"),)),
    SampleApp("calendar", "Calendar", "CalDAV for every client", "radicale", 18203, (), (("x-remote-user", "email"),)),
    SampleApp("board", "Notice board", "Short messages for everybody", "board", 18204, (), (("x-user-name", "name"),)),
    SampleApp(
        "payroll", "Payroll", "Salaries and payments", "files", 18205, ("restricted",), (("x-remote-user", "email"),)
    ),
    SampleApp(
        "inspector", "Request inspector", "What an application sees", "inspector", 18206, (), (), health_path="/healthz"
    ),
    SampleApp("readings", "Readings", "What the meters on the test bench say, live", "readings", 18207),
)

_STORIES: Final = (
    SamplePerson(
        "Nadia Haddad",
        ("administrators", "staff"),
        "looks after the gateway: the console, with a passkey that it lets you set up",
    ),
    SamplePerson("Ilse Brandt", ("staff", "management"), "office: files, calendar, board, payroll"),
    SamplePerson("Mateo Rossi", ("staff", "sales"), "sales: files, calendar, board; payroll is refused"),
    SamplePerson("Priya Raman", ("staff", "finance"), "finance: payroll, and a fresh code before a payment"),
    SamplePerson("Jonas Weber", ("contractors",), "contractor: handbook always, board in office hours"),
)
_OTHERS: Final = {
    ("staff", "workshop"): (
        "Tomasz Nowak, Leonie Krämer, Bilal Yıldız, Greta Lund, Oskar Faber, Mei Tanaka, Ruben Castro, Hanna Virtanen, "
        "Dario Conti, Elif Demir, Pavel Novák, Ingrid Solberg, Samuel Okafor, Lotte de Vries"
    ),
    ("staff", "sales"): "Chloé Martin, Henrik Dahl, Aisha Bello, Victor Moreau, Katja Berg, Luca Marin, Zoe Papas",
    ("staff", "finance"): "Emil Sandberg, Farah Aziz, Theo Lang",
    ("staff", "management"): "Renate Vogel, Anton Keller",
    ("staff",): "Maja Horvat, Colin Byrne, Yara Silva, Felix Braun",
    ("contractors",): "Sven Olsen, Noor Jansen, Ivo Petrov, Carmen Ruiz, Dmitri Orlov",
}


def sample_people() -> tuple[SamplePerson, ...]:
    """Return everybody, those with a story first."""
    others = (SamplePerson(name, groups) for groups, names in _OTHERS.items() for name in names.split(", "))
    return (*_STORIES, *others)
