"""Who walks, and what they have seen so far."""

import re

from ostiary.config.places import Instance
from ostiary.demo.notes import Notes
from ostiary.demo.walk.browser import Browser, Proof
from ostiary.demo.walk.laptop import Laptop
from ostiary.demo.walk.person import Visitor

REFERENCE = re.compile(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b")


class Tour:
    """The visitors, each with a browser of their own, and what one step leaves for another."""

    def __init__(self, instance: Instance, notes: Notes) -> None:
        self.instance = instance
        self.signed_in_at = 0.0
        self.reference = ""
        self._notes = notes
        self._browsers: list[Browser] = []
        self.ilse, self.priya, self.jonas, self.nadia, self.mateo = (
            self._visitor(first_name) for first_name in ("Ilse", "Priya", "Jonas", "Nadia", "Mateo")
        )
        self.stranger = self._browser()
        self.laptop = Laptop(instance)
        self.on_laptop: Visitor | None = None

    def close(self) -> None:
        """Close every browser."""
        for browser in self._browsers:
            browser.close()

    def url(self, app: str, path: str = "/") -> str:
        """Return an address on one of the applications."""
        return self.instance.url(f"{app}.{self.instance.configuration.domain}", path)

    @property
    def id_url(self) -> str:
        """The sign-in host."""
        return self.instance.url(self.instance.identity_host)

    def ilse_on(self, proof: Proof) -> Visitor:
        """Return Ilse at another browser, on a device that proves itself by these files."""
        return self._visitor("Ilse", proof)

    def _visitor(self, first_name: str, proof: Proof | None = None) -> Visitor:
        return Visitor(self._browser(proof), self._notes.account(first_name), self.id_url)

    def _browser(self, proof: Proof | None = None) -> Browser:
        self._browsers.append(Browser(self.instance.authority_certificate, proof))
        return self._browsers[-1]
