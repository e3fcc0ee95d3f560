"""Writes a test as an entry of a document. Whatever `case_reader` reads is written so that it reads back the same."""

from collections.abc import Iterator

from ostiary.policy.request import ActionClass, Authentication, AuthStrength, Context, Device, Subject
from ostiary.policy.rules.case_reader import UNKNOWN
from ostiary.policy.rules.condition_reader import STRENGTHS
from ostiary.policy.rules.device_words import value_in_words
from ostiary.policy.rules.moments import moment_text
from ostiary.policy.rules.statements import DEFAULT_MOMENT, SOMEONE, SOMEONE_EMAIL, Expectation, TestCase

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_WRITTEN_STRENGTHS = {strength: word for word, strength in STRENGTHS.items()}


def write_test(case: TestCase) -> str:
    """Return the test as an entry of `tests:`, indented by two spaces, with a line break at its end.

    Args:
        case: a test as `read_rules` returns one. Moments and ages are written to the second.
    """
    fields = "\n    ".join(f"{key}: {value}" for key, value in _fields(case))
    return f"  - {fields}\n"


def _fields(case: TestCase) -> Iterator[tuple[str, str]]:
    request = case.request
    yield "name", case.name
    yield "as", _one_or_list(_who(request.subject))
    proofs = [_proof(one, case.at) for one in request.subject.authentications if one.strength > AuthStrength.SINGLE]
    if proofs:
        yield "mfa", _one_or_list(proofs)
    if request.device is not None:
        yield "device", "{" + ", ".join(_device(request.device)) + "}"
    yield from _context(request.context)
    if case.at != DEFAULT_MOMENT:
        yield "at", moment_text(case.at)
    if request.action is not ActionClass.VIEW:
        yield "do", request.action.value
    yield (
        "to",
        _one_or_list([f"app:{request.resource.app}", *(f"label:{one}" for one in sorted(request.resource.labels))]),
    )
    if request.resource.path != "/":
        yield "path", quoted(request.resource.path)
    yield "expect", _expectation(case.expect)


def quoted(text: str) -> str:
    """Return any text as a YAML scalar in double quotes, on one line, with nothing invisible in it.

    Source: YAML 1.2.2, section 5.7 (escaped characters).
    """
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    if character.isprintable() and not 0xD800 <= code <= 0xDFFF:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _who(subject: Subject) -> list[str]:
    who = [f"group:{name}" for name in sorted(subject.groups)]
    if subject.service is not None:
        who.append(f"service:{subject.service}")
    if subject.person not in {None, SOMEONE}:
        who.append(quoted(f"person:{subject.person}"))
    if subject.email not in {None, SOMEONE_EMAIL}:
        who.append(quoted(f"person:{subject.email}"))
    return who or ["anyone"]


def _proof(proof: Authentication, at: float) -> str:
    age = int(at - proof.at)
    method = _WRITTEN_STRENGTHS[proof.strength]
    return f"{{method: {method}, age: {_duration(age)}}}" if age else method


def _duration(seconds: int) -> str:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _device(device: Device) -> Iterator[str]:
    for name, known in (("managed", device.managed), ("compliant", device.compliant)):
        if known is not None:
            yield f"{name}: {value_in_words(known)}"
    for name, value in device.attributes:
        yield f"{name}: {quoted(value) if isinstance(value, str) else value_in_words(value)}"


def _context(context: Context) -> Iterator[tuple[str, str]]:
    if context.address is not None:
        yield "from", quoted(context.address) if ":" in context.address else context.address
    if context.country is not None:
        yield "country", context.country
    if context.risk != 0:
        yield "risk", UNKNOWN if context.risk is None else str(context.risk)


def _expectation(expect: Expectation) -> str:
    answer = "allow" if expect.allowed else "deny"
    which = expect.reason.value if expect.reason is not None else expect.rule
    return answer if which is None else f"{{{answer}: {which}}}"


def _one_or_list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]"
