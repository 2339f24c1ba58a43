"""TCP ports on loopback."""

import random
import socket
from contextlib import suppress

HOST = "127.0.0.1"
_random = random.SystemRandom()


def free_port() -> int:
    """Return a TCP port that is free, as is the port 10000 above it (a cluster node's bus).

    It lies below the range from which outgoing connections take theirs, so that a server that was
    killed finds its port free when it comes back.
    """
    for _ in range(200):
        port = _random.randrange(11_000, 31_000)
        with suppress(OSError), bound_socket(port), bound_socket(port + 10_000):
            return port
    raise RuntimeError("no free TCP port")


def bound_socket(port: int = 0) -> socket.socket:
    """Return a TCP socket that is bound to the port, or to a free one, and does not listen yet."""
    # asyncio turns Nagle's algorithm off only on sockets that name their protocol: 40 ms a reply.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound
