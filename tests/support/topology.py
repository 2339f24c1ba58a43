"""Several real servers together: a cluster, and a primary with a replica under a sentinel."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import redis

from tests.support.ports import HOST
from tests.support.servers import Server

_SLOTS = 16_384
_SETTLE_SECONDS = 30.0


def wait_until(ready: Callable[[], bool], what: str, seconds: float = _SETTLE_SECONDS) -> None:
    """Return once `ready()` holds; errors of a server that is still on its way mean no."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except redis.RedisError:
            pass
        time.sleep(0.02)
    raise TimeoutError(f"waited {seconds} s for {what}")


class _Group:
    """Servers that come up together and go together."""

    def __init__(self) -> None:
        self._servers = ExitStack()

    def start(self) -> Self:
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        self._servers.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _build(self) -> None:
        raise NotImplementedError

    def _add(self, server: Server) -> Server:
        return self._servers.enter_context(server)


class Cluster(_Group):
    """Three primaries that share the slots."""

    def __init__(self, *config: str) -> None:
        super().__init__()
        self._config = config
        self.nodes: list[Server] = []

    @property
    def url(self) -> str:
        return f"redis+cluster://{HOST}:{self.nodes[0].port}"

    def _build(self) -> None:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", *self._config)
        self.nodes = [self._add(Server(*options)) for _ in range(3)]
        bounds = [_SLOTS * n // len(self.nodes) for n in range(len(self.nodes) + 1)]
        for n, node in enumerate(self.nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            node.call("CLUSTER", "ADDSLOTSRANGE", bounds[n], bounds[n + 1] - 1)
        for node in self.nodes[1:]:
            self.nodes[0].call("CLUSTER", "MEET", HOST, node.port)
        wait_until(lambda: all(map(self._is_settled, self.nodes)), "the cluster")

    def _is_settled(self, node: Server) -> bool:
        wanted = ("cluster_state:ok", f"cluster_slots_ok:{_SLOTS}", "cluster_known_nodes:3")
        lines = node.call("CLUSTER", "INFO").split()
        return all(line in lines for line in wanted)


class _SentinelProcess(Server):
    """A server that runs as a sentinel over the primary `mymaster`."""

    def __init__(self, primary: Server) -> None:
        super().__init__()
        self._primary_port = primary.port

    def _command(self) -> list[str]:
        conf = self.folder / "sentinel.conf"
        if not conf.exists():  # the sentinel keeps what it learns in there
            lines = [
                f"bind {HOST}",
                f"port {self.port}",
                f"unixsocket {self.unix_path}",
                f"dir {self.folder}",
                f"sentinel monitor mymaster {HOST} {self._primary_port} 1",
                "sentinel down-after-milliseconds mymaster 500",
                "sentinel failover-timeout mymaster 2000",
            ]
            conf.write_text("\n".join(lines) + "\n")
        return [self._binary, str(conf), "--sentinel"]


class Sentinel(_Group):
    """A primary, its replica, and one sentinel whose word is enough for a failover."""

    def __init__(self, *config: str) -> None:
        super().__init__()
        self._config = config
        self.servers: list[Server] = []
        self.sentinel: Server

    @property
    def url(self) -> str:
        return f"redis+sentinel://{HOST}:{self.sentinel.port}/mymaster/0"

    @property
    def primary(self) -> Server:
        """The server that the sentinel calls the primary now."""
        _, port = self.sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")
        return next(server for server in self.servers if server.port == int(port))

    @property
    def replica(self) -> Server:
        primary = self.primary
        return next(server for server in self.servers if server is not primary)

    def failover(self, *, demote: bool = True) -> Server:
        """Order a failover that loses nothing, and return the new primary once it is one.

        The sentinel leaves the old one a primary for some ten seconds, which is how two can take
        writes at a time; `demote` makes it a replica at once.
        """
        before = self.primary
        self.wait_for_replica()
        wait_until(self._orders_failover, "the sentinel to take the order")
        after = self.wait_for_new_primary(before)
        if demote:
            before.call("REPLICAOF", HOST, after.port)
        return after

    def wait_for_replica(self) -> Server:
        """Wait until the replica has all that the primary has, and return it."""
        primary, replica = self.primary, self.replica
        wait_until(lambda: _follows(replica, primary), "the replica to follow")
        return replica

    def wait_for_new_primary(self, before: Server) -> Server:
        """Wait until another server than `before` takes writes as the primary."""
        wait_until(lambda: self._is_settled(before), "a new primary")
        return self.primary

    def _build(self) -> None:
        fast = ("--repl-diskless-sync-delay", "0", *self._config)
        primary = self._add(Server(*fast))
        replica = self._add(Server(*fast, "--replicaof", HOST, str(primary.port)))
        self.servers = [primary, replica]
        wait_until(lambda: _follows(replica, primary), "the replica to follow")
        self.sentinel = self._add(_SentinelProcess(primary))
        wait_until(self._knows_replica, "the sentinel to see the replica")

    def _knows_replica(self) -> bool:
        replicas = self.sentinel.call("SENTINEL", "REPLICAS", "mymaster")
        return len(replicas) == 1

    def _is_settled(self, before: Server) -> bool:
        # The sentinel names the new primary before its own list of primaries does.
        primary = self.primary
        with self.sentinel.client() as client:
            listed = client.sentinel_masters()["mymaster"]["port"]
        return primary is not before and primary.port == listed and _role(primary) == "master"

    def _orders_failover(self) -> bool:
        self.sentinel.call("SENTINEL", "FAILOVER", "mymaster")
        return True


def _role(server: Server) -> str:
    return str(server.call("ROLE")[0])


def _follows(replica: Server, primary: Server) -> bool:
    """Whether the replica has all that the primary has, and a link to get what comes."""
    theirs = replica.call("INFO", "replication")
    ours = primary.call("INFO", "replication")
    linked = theirs["role"] == "slave" and theirs["master_link_status"] == "up"
    return linked and bool(theirs["slave_repl_offset"] == ours["master_repl_offset"])
