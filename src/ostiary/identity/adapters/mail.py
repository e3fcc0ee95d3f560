"""Writes to people. Who gets which mail and why is decided in `services`."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)

_post_room: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_under_way: set[Future[bool]] = set()


def send_now(*, to: str, template: str, context: dict[str, object]) -> bool:
    """Send one mail and say whether the mail server took it.

    Args:
        to: the address.
        template: name of `identity/mail/<template>.txt`; its first line is the subject.
        context: what the template shows; the organisation and the contact are added.
    """
    return _send(_message(to=to, template=template, context=context), template)


def send_later(*, to: str, template: str, context: dict[str, object]) -> None:
    """Send one mail without waiting, so that how long a page takes does not tell whether there was one to send."""
    future = _post_room.submit(_send, _message(to=to, template=template, context=context), template)
    _under_way.add(future)
    future.add_done_callback(_under_way.discard)


def wait_until_sent(*, seconds: float) -> None:
    """Wait for the mails that are being sent, at most so long."""
    wait(tuple(_under_way), timeout=seconds)


def _message(*, to: str, template: str, context: dict[str, object]) -> EmailMessage:
    configuration = settings.INSTANCE.configuration
    shown = {"organisation": settings.INSTANCE.display_name, "contact": configuration.contact, **context}
    text = render_to_string(f"identity/mail/{template}.txt", shown)
    subject, _, body = text.partition("\n")
    return EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[to])


def _send(message: EmailMessage, template: str) -> bool:
    try:
        message.send()
    except Exception as error:
        log.error("mail_not_sent", template=template, error=str(error))
        return False
    return True
