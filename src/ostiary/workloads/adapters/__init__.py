"""The outside world: issuers whose keys are fetched."""
