"""A forgotten password: a link by mail, and an answer that tells nobody whether there is such an account."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from ostiary.identity.entrance import send_password_link
from ostiary.identity.facade import TooManyAttempts, client_of
from ostiary.web.signin.forms import EmailForm


@require_http_methods(["GET", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for the address; then say that a mail is on its way if there is such an account."""
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            send_password_link(email=email, address=client_of(request).address)
        except TooManyAttempts as error:
            form.add_error(None, f"{error.message} {error.hint}")
            return render(request, "account/password_reset.html", {"form": form}, status=429)
        return render(request, "account/password_reset_done.html", {"email": email})
    return render(request, "account/password_reset.html", {"form": form})
