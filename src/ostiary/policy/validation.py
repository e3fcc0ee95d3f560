"""What counts as an access request at all. A value of a wrong type, size or range never reaches a rule."""

import math
from typing import Final

import msgspec

from ostiary.policy.decision import ReasonCode
from ostiary.policy.request import AccessRequest

MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_IDENTIFIER_CHARACTERS: Final = 512
LAST_MOMENT: Final = 32_503_680_000.0  # the year 3000; calendars end before floating point does

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(AccessRequest).decode


class RefusedRequest(Exception):
    """The request cannot be decided on.

    Args:
        reason: the code for the answer.
        detail: for the log.
    """

    def __init__(self, reason: ReasonCode, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def checked_request(request: object) -> AccessRequest:
    """Return the request, rebuilt from its own bytes: whatever survives has exactly the declared types.

    Raises:
        RefusedRequest: for anything that is not a request with one subject, known ranges and sane lengths.
    """
    try:
        written = _encode(request)
        if len(written) > MAX_REQUEST_BYTES:
            raise RefusedRequest(ReasonCode.INPUT_TOO_LONG, f"{len(written)} bytes")
        clean = _decode(written)
    except RefusedRequest:
        raise
    except Exception as error:
        raise RefusedRequest(ReasonCode.MALFORMED_REQUEST, f"{type(error).__name__}: {error}"[:200]) from None
    _check(clean)
    return clean


def checked_moment(now: object) -> float:
    """Return the moment.

    Raises:
        RefusedRequest: unless it is a number of seconds between the years 1970 and 3000.
    """
    if type(now) in (int, float) and 0 <= now < LAST_MOMENT:  # type: ignore[operator]
        return float(now)  # type: ignore[arg-type]
    raise RefusedRequest(ReasonCode.MALFORMED_REQUEST, "the moment is out of range")


def _check(request: AccessRequest) -> None:
    subject, risk = request.subject, request.context.risk
    if not subject.person and not subject.service:
        raise RefusedRequest(ReasonCode.UNAUTHENTICATED)
    if subject.person and subject.service:
        raise RefusedRequest(ReasonCode.MALFORMED_REQUEST, "both a person and a service")
    if risk is not None and not 0 <= risk <= 100:
        raise RefusedRequest(ReasonCode.MALFORMED_REQUEST, "the risk is out of range")
    names = (subject.person, subject.service, subject.email, request.resource.app)
    if any(name and len(name) > MAX_IDENTIFIER_CHARACTERS for name in names):
        raise RefusedRequest(ReasonCode.INPUT_TOO_LONG, "an identifier")
    if not all(math.isfinite(proof.at) for proof in subject.authentications):
        raise RefusedRequest(ReasonCode.MALFORMED_REQUEST, "the moment of a proof is out of range")
    if request.device is not None and len(dict(request.device.attributes)) != len(request.device.attributes):
        raise RefusedRequest(ReasonCode.MALFORMED_REQUEST, "a device fact is given twice")
