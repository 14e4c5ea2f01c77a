"""E-mail by SMTP: `smtp://[user:password@]host[:port]`, or `smtps://` for TLS from the first byte."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from changbei.core import clock
from changbei.notify.channels import Outcome, Outgoing, Receipt, Stop, wording
from changbei.notify.ladders import EMAIL
from changbei.notify.models import Urgency

TIMEOUT_SECONDS = 10.0
PERMANENT_FROM = 500
NO_MAILBOX = {550, 551, 553}  # of answers to RCPT


class Email:
    """Sends a batch over one connection."""

    kind = EMAIL
    batch = 5  # one after the other: at worst 5 * TIMEOUT_SECONDS, well inside the lease

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError(f"CHANGBEI_SMTP: {url!r} is not smtp://host:port or smtps://host:port")
        self.host, self.tls = parts.hostname, parts.scheme == "smtps"
        self.port = parts.port or (465 if self.tls else 25)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    def send(self, outgoing: Sequence[Outgoing], *, stop: Stop) -> list[Outcome | None]:
        outcomes: list[Outcome | None] = []
        try:
            with self._connect() as server:
                for one in outgoing:  # what was handed over before the connection breaks stays in the list
                    outcomes.append(None if stop() else self._hand_over(server, one))  # noqa: PERF401
        except (smtplib.SMTPException, OSError) as error:
            # The connection is gone: nobody knows about the one under way, and the rest was not tried.
            missing = len(outgoing) - len(outcomes)
            outcomes += [Outcome("retry", detail=f"{type(error).__name__}: {error}"[:300])] * missing
        return outcomes

    def receipts(self) -> list[Receipt]:
        return []

    def close(self) -> None:
        """Nothing is kept open."""

    def _connect(self) -> smtplib.SMTP:
        if self.tls:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
            server.ehlo_or_helo_if_needed()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
        if self.user:
            server.login(self.user, self.password)
        return server

    def _hand_over(self, server: smtplib.SMTP, one: Outgoing) -> Outcome:
        message = self.compose(one)
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = next(iter(refused.recipients.values()))
            return _refused(code, words, of_the_mailbox=True)
        except smtplib.SMTPResponseException as refused:
            return _refused(refused.smtp_code, refused.smtp_error)
        return Outcome("handed", carrier_id=str(message["Message-ID"])[:80])

    def compose(self, one: Outgoing) -> EmailMessage:
        """The Message-ID is made of the message's own key: two copies after a crash are one message to mail
        readers.
        """
        domain = self.sender.rpartition("@")[2] or "localhost"
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = (
            self.sender,
            one.address,
            " ".join(one.title.split()),
        )
        message["Message-ID"] = f"<{one.key}@{domain}>"
        message["Date"] = clock.now()
        message["Auto-Submitted"] = "auto-generated"
        if one.urgency == Urgency.IMMEDIATE:
            message["X-Priority"] = "1"
        asked = wording.ask(one)
        message.set_content(f"{one.title}\n\n{one.body}\n" + (f"\n{asked}\n" if asked else ""))
        return message


def _refused(code: int, words: bytes | str, *, of_the_mailbox: bool = False) -> Outcome:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    detail = f"{code} {text}"[:300]
    if code >= PERMANENT_FROM:
        return Outcome("refused" if of_the_mailbox and code in NO_MAILBOX else "failed", detail=detail)
    return Outcome("retry", detail=detail)
