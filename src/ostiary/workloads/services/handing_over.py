"""What becomes of services when somebody leaves who answers for them: handed over, or switched off."""

from typing import Final

from ostiary.identity.facade import Handover, Step
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor
from ostiary.workloads.domain.services import Closed
from ostiary.workloads.queries import get_service, list_services
from ostiary.workloads.services.register import change_service, disable_service


def _held_by(person_id: PersonId) -> tuple[str, ...]:
    return tuple(service.id for service in list_services(owner=person_id))


def _hand_over(name: str, to: str, actor: Actor, reason: str) -> None:
    if to:
        change_service(name, owner=to, actor=actor, reason=reason)
    elif get_service(name).disabled_at is None:
        disable_service(name, actor=actor, why=Closed.OWNER_LEFT, reason=reason)


SERVICES_OF_LEAVERS: Final = Handover(
    to_somebody=Step.HAND_OVER_SERVICE, to_nobody=Step.DISABLE_SERVICE, held_by=_held_by, hand_over=_hand_over
)
