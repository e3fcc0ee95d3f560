"""What is typed about browsers: `install-browser` and `remove-browser`. What they do is in `keeping` and `policy`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

import msgspec

from ostiary.agent.browsers.keeping import NoGoodCertificate, Outcome, install, remove
from ostiary.agent.browsers.nss import UnusableStore
from ostiary.agent.browsers.policy import (
    policy_folders,
    policy_for,
    remove_policy,
    require_policy_files,
    write_policy,
)
from ostiary.agent.folder import Folder

INSTALL_EXAMPLES: Final = (
    "install-browser",
    "install-browser --profile ~/.mozilla/firefox/abcd1234.default-esr --json",
    "--folder /home/ada/.local/state/ostiary-agent install-browser --policy",
)
REMOVE_EXAMPLES: Final = ("remove-browser", "remove-browser --profile ~/.pki/nssdb --json", "remove-browser --policy")
_WORDS: Final = {
    "installed": "holds the device's certificate now",
    "unchanged": "was as it should be",
    "removed": "holds nothing of this device any more",
}


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what both commands take."""
    command.add_argument(
        "--profile",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="only the NSS database in this folder (with a file cert9.db); may be said several times",
    )
    command.add_argument(
        "--policy",
        action="store_true",
        help="as root: only the policy by which Chromium, Chrome and Edge do not ask which certificate to show",
    )
    command.add_argument("--json", action="store_true", help="print JSON for programs")


def install_browser(folder: Folder, said: argparse.Namespace) -> None:
    """Give browsers the certificate, or write the policy, and say what became of it."""
    if not said.policy:
        _report(install(folder, profiles=said.profile), as_json=said.json)
        return
    require_policy_files()
    enrolled, leaf = folder.enrolled(), folder.certificate()
    if leaf is None:
        raise NoGoodCertificate("This device has no certificate yet.", hint="Get one: ostiary-agent renew")
    files = write_policy(policy_for(enrolled.origin, leaf), policy_folders())
    _report_files(files, "Browsers that read this show the certificate without asking:", as_json=said.json)


def remove_browser(folder: Folder, said: argparse.Namespace) -> None:
    """Take the certificate out of browsers, or remove the policy, and say what became of it."""
    if said.policy:
        require_policy_files()
        _report_files(remove_policy(policy_folders()), "Removed:", as_json=said.json)
    else:
        _report(remove(folder, profiles=said.profile), as_json=said.json)


def remove_before_leaving(folder: Folder) -> None:
    """Take the certificate out of the browsers that hold it; what cannot be done is said, and is worth nothing soon."""
    for one in remove(folder) if folder.browsers() else ():
        if one.state == "failed":
            _say(f"Not taken out of the browser: {one.problem}")


def _report(done: tuple[Outcome, ...], *, as_json: bool) -> None:
    """Say what became of each store, and fail if one could not be used."""
    if as_json:
        _say(json.dumps([msgspec.to_builtins(one) for one in done], indent=2))
    else:
        for one in done:
            if one.state != "failed":
                _say(f"{one.browser} ({one.folder or 'the store of this system'}) {_WORDS[one.state]}.")
        if not done:
            _say("No browser held anything of this device.")
    if problems := [one.problem for one in done if one.state == "failed"]:
        raise UnusableStore("\n       ".join(problems))


def _report_files(files: tuple[Path, ...], words: str, *, as_json: bool) -> None:
    if as_json:
        _say(json.dumps([str(one) for one in files], indent=2))
    else:
        _say("\n".join([words, *(f"  {one}" for one in files)]) if files else "There was none.")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
