"""A real SMTP server (aiosmtpd) that keeps what it gets. Needs Debian's python3-aiosmtpd, so run it with /usr/bin/python3."""
import email
import email.policy
import socket
import threading

from aiosmtpd.controller import Controller


class MailServer:
    """Listens on any free port from its making to close(); `url` names its host as `called`."""

    def __init__(self, on_mail=lambda mail: None, listen_on="127.0.0.1", called="127.0.0.1"):
        self._mails = []
        self._ids = set()
        self._changed = threading.Condition()
        self._on_mail = on_mail
        with socket.socket() as probe:  # aiosmtpd's controller does not know port 0
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((listen_on, 0))
            port = probe.getsockname()[1]
        self._controller = Controller(self, hostname=listen_on, port=port)
        self._controller.start()
        self.url = f"smtp://{called}:{port}"

    async def handle_DATA(self, _server, _session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self._changed:
            self._mails.append(mail)
            self._ids.add(mail["Message-ID"])
            self._changed.notify_all()
        self._on_mail(mail)
        return "250 Message accepted for delivery"

    @property
    def mails(self):
        with self._changed:
            return list(self._mails)

    def wait_for(self, count, seconds):
        """Whether there are `count` mails, counted once by Message-ID, within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._ids) >= count, seconds)

    def close(self):
        self._controller.stop()
