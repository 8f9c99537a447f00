"""Tells people about a run through apprise: mail, chat, webhooks. Off until an address is set."""

from __future__ import annotations

from warehouse.config import Config
from warehouse.logs import logger


def notify(config: Config, event: str, title: str, body: str) -> bool:
    """Send one message when `event` (failure, warning, success) is wanted; True when it was sent.

    A message that cannot be sent never fails a run. Addresses carry credentials: never log them.
    """
    if not config.notify_urls or event not in config.notify_on:
        return False
    try:
        sent = _send(config.notify_urls, event, title, body)
    except Exception as error:
        # Nor its text: it may quote the address.
        logger.warning("the notification failed: %s", type(error).__name__)
        return False
    if not sent:
        logger.warning("the notification was not accepted by every address")
    return sent


def _send(urls: tuple[str, ...], event: str, title: str, body: str) -> bool:
    import apprise

    kinds = {
        "failure": apprise.NotifyType.FAILURE,
        "warning": apprise.NotifyType.WARNING,
        "success": apprise.NotifyType.SUCCESS,
    }
    sender = apprise.Apprise()
    for number, url in enumerate(urls, start=1):
        if not sender.add(url):
            logger.warning("notification address %d is not understood by apprise", number)
    return bool(sender.notify(title=title, body=body, notify_type=kinds[event]))
