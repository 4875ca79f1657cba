"""A private certificate authority and certificates of it for 127.0.0.1 and localhost, made with openssl."""
import os
import ssl
import subprocess


class Authority:
    """Files in `folder`: `ca_file` is what others trust; `server_context()` is for a server on 127.0.0.1."""

    def __init__(self, folder, name="authority"):
        self._folder, self._name = folder, name
        self._key, self.ca_file = self._path("ca.key"), self._path("ca.pem")
        self._openssl("req", "-x509", *self._new_key(), "-keyout", self._key, "-out", self.ca_file, "-days", "2",
                      "-subj", f"/CN={name}")
        self.server, self.server_key = self.sign("server")

    def sign(self, whom):
        """Files of a certificate and its key."""
        request, names, certificate, key = (self._path(f"{whom}.{end}") for end in ("csr", "ext", "pem", "key"))
        self._openssl("req", *self._new_key(), "-keyout", key, "-out", request, "-subj", f"/CN={whom}")
        with open(names, "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._key, "-CAcreateserial",
                      "-days", "2", "-extfile", names, "-out", certificate)
        return certificate, key

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server, self.server_key)
        return context

    def _path(self, end):
        return os.path.join(self._folder, f"{self._name}-{end}")

    @staticmethod
    def _new_key():
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
