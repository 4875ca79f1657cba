"""A private certificate authority and a certificate of it for 127.0.0.1 and localhost, made with openssl."""
import os
import ssl
import subprocess


class Authority:
    """Files in `folder`: `ca_file` is what clients trust; `server_context()` is for a server on 127.0.0.1."""

    def __init__(self, folder, name="authority"):
        self._key, self.ca_file = (os.path.join(folder, f"{name}-ca.{end}") for end in ("key", "pem"))
        self._server_key, self._server = (os.path.join(folder, f"{name}-server.{end}") for end in ("key", "pem"))
        new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self._openssl("req", "-x509", *new_key, "-keyout", self._key, "-out", self.ca_file, "-days", "2",
                      "-subj", f"/CN={name}")
        request = os.path.join(folder, f"{name}.csr")
        self._openssl("req", *new_key, "-keyout", self._server_key, "-out", request, "-subj", "/CN=127.0.0.1")
        names = os.path.join(folder, f"{name}.ext")
        with open(names, "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._key, "-CAcreateserial",
                      "-days", "2", "-extfile", names, "-out", self._server)

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server, self._server_key)
        return context

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
