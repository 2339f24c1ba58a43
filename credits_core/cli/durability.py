"""What could lose credits that were charged or bought: eviction, restarts, failovers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.cli.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credits_core.cli.probe import Observations

NEARLY_FULL = 0.9


def durability(seen: Observations) -> Iterator[Finding]:
    """All findings of that kind."""
    if seen.scheme == "memory":
        return
    yield from _eviction(seen)
    yield from _memory(seen)
    yield from _persistence(seen)
    yield from _replication(seen)


def _setting(seen: Observations, name: str, field: str = "") -> str | None:
    """A setting of the server, from CONFIG or else from INFO; None where neither shows it."""
    return seen.config.get(name, seen.info.get(field or name.replace("-", "_")))


def _eviction(seen: Observations) -> Iterator[Finding]:
    policy = _setting(seen, "maxmemory-policy")
    if policy is None:
        yield Finding(
            "note",
            "eviction",
            "The eviction policy is not shown by this store: make sure in its console that "
            "eviction is off.",
        )
    elif policy.startswith("allkeys-"):
        yield Finding(
            "danger",
            "eviction",
            f"maxmemory-policy is {policy}: when memory is full any key is thrown away, "
            f"balances too. The client refuses this server. Set it to noeviction, or use a "
            f"server of its own for credits.",
        )
    elif policy.startswith("volatile-"):
        yield Finding(
            "ok",
            "eviction",
            f"maxmemory-policy is {policy}: only keys with a time to live are thrown away, and "
            f"no key that holds credits has one.",
        )
    else:
        yield Finding("ok", "eviction", f"maxmemory-policy is {policy}: nothing is thrown away.")


def _memory(seen: Observations) -> Iterator[Finding]:
    limit, used = _number(_setting(seen, "maxmemory")), _number(seen.info.get("used_memory"))
    if limit and used is not None and used > NEARLY_FULL * limit:
        yield Finding(
            "danger",
            "memory",
            f"Memory is {100 * used // limit} % full ({_mb(used)} of {_mb(limit)} MB): when it is "
            f"full, charges and purchases are refused. Give it more maxmemory, or clear what "
            f"else is stored there.",
        )
    elif limit and used is not None:
        yield Finding("ok", "memory", f"{_mb(used)} of {_mb(limit)} MB are used.")
    elif limit == 0:
        yield Finding(
            "note",
            "memory",
            "maxmemory is not set: the machine's memory is the limit, where the system may kill "
            "the server. Set maxmemory below it, and watch it.",
        )


def _mb(size: int) -> str:
    return f"{size / 1_000_000:.1f}"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _persistence(seen: Observations) -> Iterator[Finding]:
    log = seen.config.get(
        "appendonly", {"1": "yes", "0": "no"}.get(seen.info.get("aof_enabled", ""))
    )
    if log is None:
        yield Finding(
            "note",
            "persistence",
            "Persistence is not shown by this store: make sure in its console that data "
            "survives a restart.",
        )
    elif log == "yes":
        yield _fsync(seen.config.get("appendfsync"))
    else:
        yield _snapshots(seen.config.get("save"))
    if seen.info.get("aof_last_write_status", "ok") != "ok":
        yield Finding(
            "danger",
            "persistence",
            "The last write of the append-only file failed: look at the disk of the server.",
        )
    if seen.info.get("rdb_last_bgsave_status", "ok") != "ok":
        yield Finding(
            "danger",
            "persistence",
            "The last snapshot failed, after which a server by default refuses writes: look at "
            "its disk and memory.",
        )


def _fsync(policy: str | None) -> Finding:
    if policy == "always":
        return Finding(
            "ok",
            "persistence",
            "Every change is on disk before it is answered (appendfsync always).",
        )
    if policy == "everysec":
        return Finding(
            "note",
            "persistence",
            "Changes reach the disk once a second (appendfsync everysec): a power loss may take "
            "about the last second of charges that were answered. appendfsync always loses none.",
        )
    if policy == "no":
        return Finding(
            "warning",
            "persistence",
            "The system decides when changes reach the disk (appendfsync no): a power loss may "
            "take half a minute of charges. Set appendfsync to everysec or always.",
        )
    return Finding(
        "note",
        "persistence",
        "There is an append-only file; how often it reaches the disk is not shown by this store.",
    )


def _snapshots(save: str | None) -> Finding:
    if save is None:
        return Finding(
            "warning",
            "persistence",
            "There is no append-only file, and whether snapshots are taken is not shown by this "
            "store: a crash loses what came after the last one. Turn appendonly on.",
        )
    if save == "":
        return Finding(
            "danger",
            "persistence",
            "Nothing is written to disk (appendonly no, no save): a restart loses all balances. "
            "Set appendonly yes.",
        )
    return Finding(
        "warning",
        "persistence",
        f"Only snapshots are written to disk (save {save}): a crash loses all charges and "
        f"purchases since the last one. Set appendonly yes.",
    )


def _replication(seen: Observations) -> Iterator[Finding]:
    role = seen.info.get("role")
    if role in ("slave", "replica"):
        primary = f"{seen.info.get('master_host', '?')}:{seen.info.get('master_port', '?')}"
        yield Finding(
            "danger",
            "replication",
            f"This is a replica of {primary}: it takes no charges, and its balances may be "
            f"behind. Connect to the primary, by redis+sentinel:// where it can change.",
        )
    replicas = _number(seen.info.get("connected_slaves"))
    if role != "master" or replicas is None or seen.scheme in ("http", "https"):
        return
    count = f"{replicas} replica" + ("" if replicas == 1 else "s")
    needed = _number(seen.config.get("min-replicas-to-write"))
    if replicas and needed:
        yield Finding(
            "ok",
            "replication",
            f"{count}; without {needed} of them near, it takes no charges (min-replicas-to-write). "
            f"A failover may lose the last moments, not more.",
        )
    elif replicas:
        yield Finding(
            "warning",
            "replication",
            f"{count}, and charges are answered before these have them: a failover loses the "
            f"last ones, and a primary that is cut off goes on taking charges that are lost "
            f"later. Set min-replicas-to-write 1.",
        )
    else:
        yield Finding("note", "replication", "No replica: its disk is the only copy. Keep backups.")
