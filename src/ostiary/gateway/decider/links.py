"""Where the decision service sends a browser: always one of this instance's own addresses."""

from typing import Final
from urllib.parse import quote, urlencode

from ostiary.config.places import Instance
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.paths import MAX_RETURN_CHARACTERS, encode_location, local_path
from ostiary.policy.identifiers import AppId

PROBLEM_PREFIX: Final = "urn:ostiary:problem:"


class Links:
    """Makes links for one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.sign_in_origin = instance.url(instance.identity_host, "")
        self.sign_out = self.sign_in_host("/sign-out")
        self.portal = self.sign_in_host("/")

    def sign_in_host(self, path: str) -> str:
        """Return the address of a path on the sign-in host."""
        return self.sign_in_origin + path

    def continue_sign_in(self, app: AppId, *, bind: str, return_path: str) -> str:
        """Return where a browser signs in and comes back from with a code."""
        query = {"app": app, "bind": bind, "return": return_path}
        return self.sign_in_host(f"/continue?{urlencode(query)}")

    def remedy(self, path: str, app: AppId, return_path: str) -> str:
        """Return the address of a remedy that brings the person back to the page they wanted.

        Args:
            path: the remedy's path on the sign-in host.
            app: the app they wanted.
            return_path: the page in it.
        """
        query = {"return": return_path} if "app=" in path else {"app": app, "return": return_path}
        return self.sign_in_host(f"{path}{'&' if '?' in path else '?'}{urlencode(query)}")

    def beside(self, remedy: str) -> str:
        """Return the address of a step-up in a tab beside the one that waits for it, which is told to go back there."""
        return self.sign_in_host(f"{remedy}{'&' if '?' in remedy else '?'}{urlencode({'then': 'tab'})}")

    def ask(self, app: AppId, return_path: str) -> str:
        """Return where somebody asks for access to an app; the sign-in host judges the return path again."""
        return self.sign_in_host(f"/requests/new?{urlencode({'app': app, 'return': return_path})}")

    def emergency(self, app: AppId, return_path: str) -> str:
        """Return where whoever may uses emergency access; the sign-in host judges that, and the return path, again."""
        return self.sign_in_host(f"/requests/emergency?{urlencode({'app': app, 'return': return_path})}")

    def become_administrator(self, return_path: str) -> str:
        """Return where whoever may becomes an administrator; the sign-in host judges that, and the return path, again."""
        return self.sign_in_host(f"/requests/administrator?{urlencode({'return': return_path})}")

    def why(self, reference: str) -> str:
        """Return where the console explains a decision, to those who may see it there."""
        return self._instance.url(self._instance.console_host, f"/decisions/{quote(reference, safe='')}/#why")

    def app_origin(self, host: str) -> str:
        """Return the origin of an app's host."""
        return f"https://{self._instance.authority(host)}"


def wanted_page(incoming: Incoming) -> str:
    """Return the page a person asked for, as a path on its host that is safe to come back to."""
    if len(incoming.path) + len(incoming.query) > MAX_RETURN_CHARACTERS:
        return "/"
    return local_path(encode_location(incoming.path, incoming.query))
