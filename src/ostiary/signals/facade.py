"""All that web, the command line and the worker use of this room."""

from ostiary.outgoing.addresses import Unreachable
from ostiary.signals.adapters.signing import public_keys
from ostiary.signals.domain.errors import (
    BadRequest,
    NothingHeld,
    RefusedSignal,
    TooOften,
    UnknownReceiver,
    UnknownStream,
    UnknownTransmitter,
    UnusableTransmitter,
)
from ostiary.signals.domain.events import ASKED_FOR, SENT, name_of
from ostiary.signals.domain.streams import METHODS, POLL, PUSH, NewReceiver, Receiver, Status, Stream
from ostiary.signals.domain.trust import May, Outcome, Transmitter
from ostiary.signals.queries.receivers import get_receiver, get_stream, issuer, list_receivers, list_streams
from ostiary.signals.queries.transmitters import (
    TakenSignal,
    get_transmitter,
    list_signals,
    list_transmitters,
    push_url,
)
from ostiary.signals.services.asking import (
    ask_for_verification,
    create_stream_there,
    delete_stream_there,
    poll_transmitters,
)
from ostiary.signals.services.delivery import deliver_signals, fetch_signals
from ostiary.signals.services.holding import discard_signals, release_signals, tell_administrators
from ostiary.signals.services.keys import rotate_key, rotate_old_key
from ostiary.signals.services.receivers import (
    ACCESS_SECONDS,
    access_token,
    add_receiver,
    receiver_with_token,
    revoke_all_receivers,
    revoke_receiver,
)
from ostiary.signals.services.receiving import Taken, prune_signals, take_signal
from ostiary.signals.services.streams import (
    ask_verification,
    change_status_here,
    change_stream,
    configuration_of,
    create_stream,
    delete_stream,
    set_status,
    set_subject,
    verify_stream,
)
from ostiary.signals.services.transmitters import (
    NewTransmitter,
    add_transmitter,
    allow_transmitter,
    authorized_transmitter,
    remove_transmitter,
)

__all__ = [
    "ACCESS_SECONDS",
    "ASKED_FOR",
    "METHODS",
    "POLL",
    "PUSH",
    "SENT",
    "BadRequest",
    "May",
    "NewReceiver",
    "NewTransmitter",
    "NothingHeld",
    "Outcome",
    "Receiver",
    "RefusedSignal",
    "Status",
    "Stream",
    "Taken",
    "TakenSignal",
    "TooOften",
    "Transmitter",
    "UnknownReceiver",
    "UnknownStream",
    "UnknownTransmitter",
    "Unreachable",
    "UnusableTransmitter",
    "access_token",
    "add_receiver",
    "add_transmitter",
    "allow_transmitter",
    "ask_for_verification",
    "ask_verification",
    "authorized_transmitter",
    "change_status_here",
    "change_stream",
    "configuration_of",
    "create_stream",
    "create_stream_there",
    "delete_stream",
    "delete_stream_there",
    "deliver_signals",
    "discard_signals",
    "fetch_signals",
    "get_receiver",
    "get_stream",
    "get_transmitter",
    "issuer",
    "list_receivers",
    "list_signals",
    "list_streams",
    "list_transmitters",
    "name_of",
    "poll_transmitters",
    "prune_signals",
    "public_keys",
    "push_url",
    "receiver_with_token",
    "release_signals",
    "remove_transmitter",
    "revoke_all_receivers",
    "revoke_receiver",
    "rotate_key",
    "rotate_old_key",
    "set_status",
    "set_subject",
    "take_signal",
    "tell_administrators",
    "verify_stream",
]
