"""Another directory for a running instance: one process for all the tests that want it, added by the real command."""

import atexit

from tests.openid_directory import CLIENT_ID, CLIENT_SECRET, OpenIdDirectory
from tests.running_instance import RunningInstance

PROVIDER = "work"
_directories: dict[str, OpenIdDirectory] = {}


def directory_of(running: RunningInstance) -> tuple[OpenIdDirectory, str]:
    """Return the directory that the instance accepts, and what it is called there; started by whoever asks first."""
    key = str(running.home)
    if key not in _directories:
        callback = running.url("id", f"/sign-in/with/{PROVIDER}/callback")
        client = {
            "post_logout_redirect_uris": [running.url("id", f"/sign-in/with/{PROVIDER}/signed-out")],
            "backchannel_logout_uri": running.url("id", f"/oidc/back-channel/{PROVIDER}"),
            "backchannel_logout_session_required": True,
        }
        there = OpenIdDirectory([callback], {}, client=client, deliver=running.authority).__enter__()
        atexit.register(there.__exit__)
        secret = running.folder / "client.secret"
        secret.write_text(CLIENT_SECRET)
        running.command(
            "directory", "provider", "add", PROVIDER, "--button", "Example Work", "--issuer", there.issuer,
            "--client-id", CLIENT_ID, "--secret-file", str(secret), "--scope", "email", "--scope", "profile",
            "--scope", "groups", "--provision", "--domain", "corp.test", "--mfa", "mfa=otp",
            "--group", "colleagues=staff", "--group", "books=finance", "--sign-out-there",
        )  # fmt: skip
        secret.unlink()
        _directories[key] = there
    return _directories[key], PROVIDER
