"""The command line of the agent: `ostiary-agent`. Results on standard output, errors on standard error with what to do next."""

import argparse
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

import msgspec

from ostiary.agent.browsers import commands as browsers
from ostiary.agent.browsers.keeping import Keeper
from ostiary.agent.folder import Folder
from ostiary.agent.instance import Refused
from ostiary.agent.inventory.keeping import InventoryKeeper
from ostiary.agent.life import client_of, enrol, key_words, leave, renew, send_inventory
from ostiary.agent.quoting import boot_words, key_place, quote
from ostiary.agent.reporting import Reporter
from ostiary.agent.running import run
from ostiary.agent.service.commands import install_service, remove_service
from ostiary.agent.system.output import prepare_output, print_into
from ostiary.agent.system.places import FOLDER_WORDS, USUAL_WORDS, default_folder
from ostiary.agent.wording import as_sent, as_table, check_words, last_words, listening_here
from ostiary.errors import OstiaryError

OK: Final = 0
FAILED: Final = 1
REFUSED: Final = 3
NOT_AS_REQUIRED: Final = 4
EXIT_CODES: Final = """exit codes:
  0  it is done
  1  it failed; the message says why and what to do next
  2  the command line is wrong
  3  the instance refused
  4  it is done, and this computer is not as it is required to be"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    os.umask(0o077)
    prepare_output()
    said = _parser().parse_args(arguments)
    folder = Folder(said.folder or default_folder())
    try:
        return said.act(folder, said) or OK
    except Refused as error:
        _complain(error)
        return REFUSED
    except OstiaryError as error:
        _complain(error)
        return FAILED
    except KeyboardInterrupt:
        return 130


def _enrol(folder: Folder, said: argparse.Namespace) -> None:
    enrol(
        folder,
        said.address,
        name=said.name,
        authority=said.ca,
        browser=said.browser,
        say=_say,
        tpm=said.tpm,
        attest=said.attest,
    )


def _status(folder: Folder, said: argparse.Namespace) -> None:
    enrolled, leaf, reports = folder.enrolled(), folder.certificate(), folder.reports()
    ends_at = leaf.not_valid_after_utc.timestamp() if leaf is not None else None
    good = ends_at is not None and time.time() < ends_at
    tpm = folder.tpm()
    facts = {
        "device": enrolled.device,
        "name": enrolled.name,
        "owner": enrolled.owner,
        "origin": enrolled.origin,
        "key": key_words(folder.key()),
        "key_protection": enrolled.key_protection or ("file" if tpm is None or tpm.device is None else "tpm"),
        "tpm": None if tpm is None else tpm.address,
        "certificate_ends_at": ends_at,
        "certificate_good": good,
        "key_file": str(folder.key_file),
        "certificate_file": str(folder.certificate_file),
        "browsers": [one.folder or one.browser for one in folder.browsers()],
        "reported_at": reports.answered.at if reports.answered else None,
        "compliant": reports.answered.compliant if reports.answered else None,
        "failing": [one.name for one in reports.answered.failing] if reports.answered else [],
        "reports_waiting": len(reports.waiting),
        "reports_dropped": reports.dropped,
    }
    if said.json:
        _say(json.dumps(facts, indent=2))
        return
    until = f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC" if leaf is not None else ""
    _say(f"Device       {enrolled.name} ({enrolled.device})")
    _say(f"Belongs to   {enrolled.owner}")
    _say(f"Enrolled at  {enrolled.origin}")
    where = key_place(folder.key_file, tpm, enrolled.key_protection)
    _say(f"Key          {facts['key']} ({where})")
    _say(f"Certificate  {('good until ' if good else 'over since ') + until if until else 'none yet'}")
    for one in folder.browsers():
        _say(f"Browser      {one.browser}" + (f" ({one.folder})" if one.folder else ""))
    _say(f"Reported     {last_words(reports)}")


def _renew(folder: Folder, _said: argparse.Namespace) -> None:
    leaf = renew(folder)
    Keeper(folder, _say).act(time.time())
    _say(f"The certificate is good until {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC.")


def _facts(folder: Folder, said: argparse.Namespace) -> None:
    looked = Reporter(folder).look()
    _say(as_sent(looked) if said.json else as_table(looked, listening_here()))


def _check(folder: Folder, said: argparse.Namespace) -> int:
    taken = Reporter(folder, inventory=InventoryKeeper()).report()
    _say(json.dumps(msgspec.to_builtins(taken), indent=2) if said.json else check_words(taken))
    return NOT_AS_REQUIRED if taken.compliant is False else OK


def _quote(folder: Folder, said: argparse.Namespace) -> None:
    judged = quote(folder, client_of(folder, folder.enrolled()))
    _say(json.dumps(msgspec.structs.asdict(judged), indent=2) if said.json else boot_words(judged))


def _run(folder: Folder, said: argparse.Namespace) -> int:
    if said.log is not None:
        print_into(said.log)
    stop = threading.Event()
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda _number, _frame: stop.set())
    try:
        run(folder, stop=stop, say=_say)
    except Refused as error:
        _complain(error)
        return OK if said.end_when_refused else REFUSED
    return OK


def _leave(folder: Folder, said: argparse.Namespace) -> None:
    browsers.remove_before_leaving(folder)
    left = leave(folder, only_here=said.only_here)
    _say(f"{left.name} ({left.device}) is given up, and its key is removed.")


def _inventory(folder: Folder, said: argparse.Namespace) -> None:
    keeper = InventoryKeeper()
    found = keeper.look(now=time.time())
    if said.send:
        digest = send_inventory(folder, keeper)
        _say(json.dumps({"sent": digest}) if said.json else f"{len(found.packages)} packages were sent.")
        return
    if said.json:
        _say(json.dumps(msgspec.to_builtins(found), indent=2))
        return
    for one in found.packages:
        source = f" (from {one.source} {one.source_version})" if one.source not in {"", one.name} else ""
        _say(f"{one.ecosystem}  {one.name}  {one.version}{source}")
    for words in found.incomplete:
        sys.stderr.write(f"Note: {words}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ostiary-agent",
        description="Lets this computer prove which it is, and tells how it is kept: makes a key, keeps a certificate for it, reports.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help=f"where key and certificate are kept ({FOLDER_WORDS.get(sys.platform, USUAL_WORDS)})",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = _command(commands, "enrol", "enrol this computer", _enrol, "enrol https://id.example.com", "enrol id.example.com --ca authority.pem --no-browser")  # fmt: skip
    one.add_argument("address", metavar="ADDRESS", help="of the sign-in page: https://id.example.com")
    one.add_argument("--name", default="", help="what to call it; otherwise its host name")
    one.add_argument("--ca", type=Path, metavar="FILE", help="whom to trust besides the system (PEM)")
    one.add_argument(
        "--tpm",
        default="",
        metavar="WHERE",
        help="keep the key in a TPM: auto for this computer's own, or its address (/dev/tpmrm0, swtpm:host=…,port=…)",
    )
    one.add_argument(
        "--attest",
        default="",
        metavar="WHERE",
        help="have a TPM say how this computer starts while the key lies in a file, where browsers can use it: as --tpm, or off. Otherwise "
        "this computer's own does where you may use it",
    )
    one.add_argument("--no-browser", dest="browser", action="store_false", help="do not open the page")
    one = _command(commands, "status", "show what this computer is enrolled as", _status, "status", "status --json")
    one.add_argument("--json", action="store_true", help="print JSON for programs")
    _command(commands, "renew", "get a fresh certificate now", _renew, "renew", "--folder /srv/kiosk renew")
    one = _command(commands, "facts", "show what a report says, and send nothing", _facts, "facts", "facts --json")
    one.add_argument("--json", action="store_true", help="print exactly what is sent")
    one = _command(commands, "check", "report now, and show what is not as required", _check, "check", "check --json")
    one.add_argument("--json", action="store_true", help="print JSON for programs")
    one = _command(commands, "quote", "have the TPM say how this computer started", _quote, "quote", "quote --json")
    one.add_argument("--json", action="store_true", help="print JSON for programs")
    one = _command(commands, "run", "keep the certificate fresh and report, until stopped", _run, "run", "--folder /srv/kiosk run")  # fmt: skip
    one.add_argument("--log", type=Path, metavar="FILE", help="print into this file instead, which is kept small")
    one.add_argument(
        "--end-when-refused",
        action="store_true",
        help="end with 0 when the instance refuses for good, for what starts again whatever ends otherwise",
    )
    one = _command(commands, "install-service", "have systemd, launchd or Windows keep it running: as root for the system, otherwise for yourself", install_service, "install-service", "install-service --print")  # fmt: skip
    one.add_argument("--print", action="store_true", help="print what the system is told and change nothing")
    _command(commands, "remove-service", "end that and remove it; device and key stay", remove_service, "remove-service", "remove-service && ostiary-agent leave")  # fmt: skip
    one = _command(commands, "install-browser", "put key and certificate where this person's browsers look", browsers.install_browser, *browsers.INSTALL_EXAMPLES)  # fmt: skip
    browsers.add_options(one)
    one = _command(commands, "remove-browser", "take key and certificate out of this person's browsers", browsers.remove_browser, *browsers.REMOVE_EXAMPLES)  # fmt: skip
    browsers.add_options(one)
    one = _command(commands, "inventory", "show what is installed here, as the instance is told", _inventory, "inventory", "inventory --send")  # fmt: skip
    one.add_argument("--send", action="store_true", help="send it now, instead of showing it")
    one.add_argument("--json", action="store_true", help="print JSON for programs")
    one = _command(commands, "leave", "give this device up and remove its key", _leave, "leave", "leave --only-here")
    one.add_argument("--only-here", action="store_true", help="do not tell the instance: it is not there any more")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    words: str,
    act: object,
    *examples: str,
) -> argparse.ArgumentParser:
    epilog = "examples:\n" + "\n".join(f"  ostiary-agent {one}" for one in examples)
    one = commands.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.set_defaults(act=act)
    return one


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _complain(error: OstiaryError) -> None:
    sys.stderr.write(f"Error: {error.message}\n" + (f"  {error.hint}\n" if error.hint else ""))
