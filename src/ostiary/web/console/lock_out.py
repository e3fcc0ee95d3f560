"""Do rules let the very person in who asks, with the session they use? What every administrator could do is in `rulebook`.

Source: lesson 26, lock-out.
"""

import time

from ostiary.gateway.surroundings import console_request, read_surroundings
from ostiary.identity.facade import get_session
from ostiary.policy.request import AccessRequest
from ostiary.rulebook.facade import Hold, engine_for, find_own_lock_out, get_current
from ostiary.web.console.assertion import Caller


def request_of(caller: Caller) -> AccessRequest:
    """Return the request that the caller makes, as the decision service puts it to the engine."""
    return console_request(caller.person, get_session(caller.session), caller.address, caller.device)


def proves_entry(caller: Caller, hold: Hold) -> bool:
    """Whether this very request shows that held rules let the caller in.

    It came through the gateway after they were published, which alone could be chance: so they are asked once more.
    """
    current = get_current()
    if current.number != hold.number:
        return False
    engine = engine_for(current.document, current.cedar, read_surroundings(address=caller.address))
    return find_own_lock_out(engine, request_of(caller), time.time()) is None
