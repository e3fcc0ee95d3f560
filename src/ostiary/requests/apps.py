"""Tells Django about this room."""

from django.apps import AppConfig


class RequestsConfig(AppConfig):
    """The room of requests for access."""

    name = "ostiary.requests"
    label = "requests"
    verbose_name = "Requests for access"

    def ready(self) -> None:
        """Let what people began by themselves end when they begin afresh, or may not become administrators any more."""
        from ostiary.identity.facade import end_too, end_too_with_eligibility  # noqa: PLC0415 - models are ready only now
        from ostiary.requests.services.afresh import end_elevation, end_what_was_begun  # noqa: PLC0415 - as above

        end_too("emergency access and elevation", end_what_was_begun)
        end_too_with_eligibility("elevation", end_elevation)
