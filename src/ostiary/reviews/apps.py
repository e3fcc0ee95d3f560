"""Tells Django about this room."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """The room of access reviews."""

    name = "ostiary.reviews"
    label = "reviews"
    verbose_name = "Access reviews"
