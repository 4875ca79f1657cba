"""Which processes there are, from /proc; everything here goes by process id."""
import os
import signal


def parent_of(pid):
    """Process id of a living process's parent; None if it is over."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            state, parent = stat.read().rsplit(")", 1)[1].split()[:2]
    except OSError:
        return None
    return None if state in "ZX" else int(parent)


def children(parent):
    """Process ids of `parent`'s living children."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and parent_of(name) == parent]


def kill(pid):
    """SIGKILL; whether the process was there."""
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def owner_of_port(port, candidates):
    """Which of these processes has the TCP socket with this local port on 127.0.0.1; None if none has."""
    inodes = set()
    with open("/proc/net/tcp", encoding="utf-8") as table:
        for line in table:
            fields = line.split()
            if len(fields) > 9 and fields[1] == f"0100007F:{port:04X}":
                inodes.add(f"socket:[{fields[9]}]")
    for pid in candidates:
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                try:
                    if os.readlink(f"/proc/{pid}/fd/{descriptor}") in inodes:
                        return pid
                except OSError:
                    continue
        except OSError:
            continue
    return None
