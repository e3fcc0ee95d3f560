"""Each module here has a gateway of its own, with a test double of the decision service that lets everything pass."""

from tests.gateway_requests import gateway, quiet

__all__ = ["gateway", "quiet"]
