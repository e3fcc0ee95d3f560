"""Tells Django about this room, and the life cycle of people about the services they answer for."""

from django.apps import AppConfig


class WorkloadsConfig(AppConfig):
    """The room of services and of people's tokens."""

    name = "ostiary.workloads"
    label = "workloads"
    verbose_name = "Services and tokens"

    def ready(self) -> None:
        """Let services be handed over or found when somebody leaves, and tokens end when somebody begins afresh."""
        from ostiary.identity.facade import check_also, end_too, hand_over_too  # noqa: PLC0415 - models are ready only now
        from ostiary.workloads.services.handing_over import SERVICES_OF_LEAVERS  # noqa: PLC0415 - as above
        from ostiary.workloads.services.orphans import find_orphans  # noqa: PLC0415 - as above
        from ostiary.workloads.services.personal import revoke_tokens_of  # noqa: PLC0415 - as above

        hand_over_too(SERVICES_OF_LEAVERS)
        check_also("services", find_orphans)
        end_too("personal access tokens", revoke_tokens_of)
