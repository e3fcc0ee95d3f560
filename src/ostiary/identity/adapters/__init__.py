"""The outside of the identity pillar: django-allauth's hooks, lists of breached passwords, mail."""
