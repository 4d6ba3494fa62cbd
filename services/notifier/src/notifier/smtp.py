"""Mail over SMTP, one connection a mailer, kept open while there is something to send."""

from email.errors import MessageError
from email.headerregistry import Address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from notifier.delivery import Refused
from notifier.letters import Letter, message

TIMEOUT = 60.0


class SmtpMailer:
    def __init__(self, url: str, *, sender: Address) -> None:
        """``url``: ``smtp://[user:password@]host:port`` (STARTTLS where offered) or ``smtps://``."""
        parts = urlsplit(url)
        self._sender = sender
        self._client = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            timeout=TIMEOUT,
        )

    async def send(self, letter: Letter) -> None:
        await self._connect()
        try:
            fault_point("K10")
            mail = message(letter, sender=self._sender)
            await self._client.send_message(mail, sender=self._sender.addr_spec, recipients=[letter.address])
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise self._sorted(error.recipients[0].code) from error
        except aiosmtplib.SMTPResponseException as error:
            raise self._sorted(error.code) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            self._client.close()
            raise OutageError("SMTP", type(error).__name__) from error
        except (ValueError, MessageError) as error:
            # Nothing was sent: what can't be written as a mail must not keep the others waiting.
            raise Refused(type(error).__name__) from error

    async def _connect(self) -> None:
        if self._client.is_connected:
            return
        try:
            await self._client.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Whatever it answers (no service, a wrong password): it speaks of us, and refuses no letter.
            self._client.close()
            raise OutageError("SMTP", type(error).__name__) from error

    def _sorted(self, code: int) -> Exception:
        return Refused(str(code)) if 500 <= code < 600 else OutageError("SMTP", str(code))

    async def close(self) -> None:
        self._client.close()
