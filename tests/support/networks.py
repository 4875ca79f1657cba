"""Network namespaces for one test, each joined to this one by a link that can be cut, and relays to servers that listen on this one's
loopback only. Needs root, and iproute2."""
import ipaddress
import os
import socket
import subprocess
import threading


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr} (network namespaces need root, and apt-get install iproute2)"


class Networks:
    """`hub`: this side's address, which all namespaces reach while their links are up."""

    def __init__(self, *names):
        # By the process id, so that tests may run at once.
        base = ipaddress.ip_address("10.213.0.0") + (os.getpid() % 4096) * 16
        self.mark = f"m{os.getpid() % 100000}"
        self.hub = str(base + 13)
        self.spaces, self.links, self.addresses = {}, {}, {}
        self.relays = []
        ip("link", "add", self.mark + "h", "type", "veth", "peer", "name", self.mark + "i")
        ip("addr", "add", self.hub + "/32", "dev", self.mark + "h")
        ip("link", "set", self.mark + "h", "up")
        for number, name in enumerate(names):
            space, link = f"{self.mark}-{name}", f"{self.mark}{number}"
            near, far = str(base + 4 * number + 1), str(base + 4 * number + 2)
            ip("netns", "add", space)
            self.spaces[name], self.links[name], self.addresses[name] = space, link, far
            ip("link", "add", link, "type", "veth", "peer", "name", "door", "netns", space)
            ip("addr", "add", near + "/30", "dev", link)
            ip("link", "set", link, "up")
            for words in (["link", "set", "lo", "up"], ["addr", "add", far + "/30", "dev", "door"], ["link", "set", "door", "up"],
                          ["route", "add", "default", "via", near]):
                ip("-n", space, *words)

    def within(self, name, *command):
        """The command, to be run in the namespace."""
        return ["ip", "netns", "exec", self.spaces[name], *command]

    def cut(self, name):
        ip("-n", self.spaces[name], "link", "set", "door", "down")

    def mend(self, name):
        ip("-n", self.spaces[name], "link", "set", "door", "up")
        gateway = str(ipaddress.ip_address(self.addresses[name]) - 1)
        ip("-n", self.spaces[name], "route", "replace", "default", "via", gateway)

    def relay(self, port):
        """The port at which the namespaces reach this one's 127.0.0.1:`port`."""
        listener = socket.create_server((self.hub, 0))
        self.relays.append(listener)
        threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
        return listener.getsockname()[1]

    def _accept(self, listener, port):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)  # the other direction's recv() returns
            except OSError:
                pass
            end.close()

    def close(self):
        for listener in self.relays:
            listener.close()
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "del", space], check=False)
        for link in (*self.links.values(), self.mark + "h"):
            subprocess.run(["ip", "link", "del", link], capture_output=True, check=False)
