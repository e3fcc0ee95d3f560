"""All that other rooms use of baselines. Frozen types in, frozen types out."""

from ostiary.baselines.adapters.built_in import built_in_text
from ostiary.baselines.domain.brake import TooManyBlocked
from ostiary.baselines.domain.document import (
    BUILT_IN,
    DEFAULT,
    Baseline,
    Check,
    Severity,
    Stage,
    UnknownBaseline,
    UnusableBaseline,
    fact_of,
)
from ostiary.baselines.domain.evaluation import NEVER, Finding, Judgement, Outcome, block_at
from ostiary.baselines.domain.reader import InvalidBaseline
from ostiary.baselines.domain.requirement import EVERYBODY, Requirement, required_of
from ostiary.baselines.domain.simulation import Blocked, Effect, Effected, Simulation, count_blocked
from ostiary.baselines.domain.standing import (
    DayCount,
    Excepted,
    ExceptionState,
    Held,
    NothingHeld,
    Standing,
    Stored,
    UnknownException,
    UnusableException,
    Verdict,
)
from ostiary.baselines.domain.words import check_in_words, demand_in_words, ladder_in_words
from ostiary.baselines.queries import (
    count_lacking,
    count_waiting,
    get_baseline,
    get_exception,
    get_held,
    lacks_nothing,
    list_baselines,
    list_days,
    list_exceptions,
    list_requirements,
    list_verdicts,
    list_versions,
)
from ostiary.baselines.services.exceptions import (
    ask_exception,
    checks_of,
    end_exception,
    grant_exception,
    refuse_exception,
)
from ostiary.baselines.services.holding import keep_held, let_happen
from ostiary.baselines.services.looking import look_at
from ostiary.baselines.services.settling import check_now, settle_compliance
from ostiary.baselines.services.simulating import simulate_document, simulate_requirement
from ostiary.baselines.services.writing import (
    check_document,
    remove_baseline,
    require_baseline,
    set_baseline,
    withdraw_requirement,
)

__all__ = [
    "BUILT_IN",
    "DEFAULT",
    "EVERYBODY",
    "NEVER",
    "Baseline",
    "Blocked",
    "Check",
    "DayCount",
    "Effect",
    "Effected",
    "Excepted",
    "ExceptionState",
    "Finding",
    "Held",
    "InvalidBaseline",
    "Judgement",
    "NothingHeld",
    "Outcome",
    "Requirement",
    "Severity",
    "Simulation",
    "Stage",
    "Standing",
    "Stored",
    "TooManyBlocked",
    "UnknownBaseline",
    "UnknownException",
    "UnusableBaseline",
    "UnusableException",
    "Verdict",
    "ask_exception",
    "block_at",
    "built_in_text",
    "check_document",
    "check_in_words",
    "check_now",
    "checks_of",
    "count_blocked",
    "count_lacking",
    "count_waiting",
    "demand_in_words",
    "end_exception",
    "fact_of",
    "get_baseline",
    "get_exception",
    "get_held",
    "grant_exception",
    "keep_held",
    "lacks_nothing",
    "ladder_in_words",
    "let_happen",
    "list_baselines",
    "list_days",
    "list_exceptions",
    "list_requirements",
    "list_verdicts",
    "list_versions",
    "look_at",
    "refuse_exception",
    "remove_baseline",
    "require_baseline",
    "required_of",
    "set_baseline",
    "settle_compliance",
    "simulate_document",
    "simulate_requirement",
    "withdraw_requirement",
]
