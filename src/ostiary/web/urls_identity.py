"""Addresses on the sign-in host. Who may see which is said in `signin.gate`, refused by default."""

from django.urls import URLPattern, path

urlpatterns: list[URLPattern] = []
