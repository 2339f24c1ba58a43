"""`credits doctor` says what is dangerous: real servers in each state, and pure observations."""

import json
from collections.abc import Iterator
from dataclasses import replace
from subprocess import CompletedProcess
from typing import Any

import pytest

from credits_core import BackendError, Credits
from credits_core.cli.diagnosis import findings, server
from credits_core.cli.probe import Keys, Observations
from tests.adapters.cli.program import run
from tests.support.rest import RestServer
from tests.support.servers import Server
from tests.support.topology import Cluster, wait_until

HEALTHY = Observations(
    scheme="rediss",
    host="10.0.0.1",
    login=True,
    prefix="",
    info={
        "redis_version": "7.2.4",
        "valkey_version": "9.1.0",
        "role": "master",
        "connected_slaves": "1",
        "cluster_enabled": "0",
        "used_memory": "1000000",
        "aof_last_write_status": "ok",
    },
    config={
        "maxmemory": "100000000",
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "min-replicas-to-write": "1",
    },
    skew_ms=3.0,
    latency_ms=(0.5, 0.4, 0.9),
    keys=Keys(3, 3),
    total_keys=9,
)


def levels(done: CompletedProcess[str]) -> dict[str, str]:
    """The gravest level of each topic, of a run with --json."""
    order = ("ok", "note", "warning", "danger")
    found: dict[str, str] = {}
    for finding in json.loads(done.stdout)["findings"]:
        before = found.get(finding["topic"], "ok")
        found[finding["topic"]] = max(before, finding["level"], key=order.index)
    return found


def said(seen: Observations, topic: str) -> tuple[str, str]:
    """The last finding of a topic."""
    found = [finding for finding in findings(seen) if finding.topic == topic]
    return found[-1].level, found[-1].message


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    with Server() as server:
        yield server


def test_a_server_without_persistence_is_a_danger(plain: Server):
    done = run("doctor", "--json", url=plain.url)
    assert done.returncode == 1
    assert levels(done) == {
        "server": "ok",
        "eviction": "ok",
        "memory": "note",
        "persistence": "danger",
        "replication": "note",
        "keys": "note",
        "latency": "ok",
        "clock": "ok",
    }
    document = json.loads(done.stdout)
    assert document["store"] == plain.url
    assert document["reachable"] is True
    assert document["server"]["name"] in ("Valkey", "Redis")
    assert set(document["latency_ms"]) == {"min", "median", "max"}
    assert document["versions"]["redis"]


def test_in_words(plain: Server):
    done = run("doctor", url=plain.url)
    text = " ".join(done.stdout.split())
    assert (done.returncode, done.stderr) == (1, "")
    assert "a restart loses all balances. Set appendonly yes." in text
    assert text.endswith("Dangers: 1, warnings: 0.")


def test_a_server_that_writes_every_change_to_disk_is_fine():
    with Server(persistent=True) as server:
        Credits.from_url(server.url, timeout=10).initialize_user("alice")
        done = run("doctor", "--json", url=server.url)
        assert (done.returncode, levels(done)["persistence"]) == (0, "ok")
        assert "Nothing here endangers credits." in run("doctor", url=server.url).stdout
        assert server.call("DBSIZE") == 3, "doctor writes nothing"
        server.call("CONFIG", "SET", "appendfsync", "everysec")
        assert levels(run("doctor", "--json", url=server.url))["persistence"] == "note"


def test_a_server_that_evicts_any_key_is_a_danger_that_the_client_refuses():
    with Server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru") as server:
        with pytest.raises(BackendError, match="allkeys-lru"):
            Credits.from_url(server.url, timeout=10).get_balance("alice")
        assert run("balance", "alice", url=server.url).returncode == 3
        done = run("doctor", "--json", url=server.url)
        assert (done.returncode, levels(done)["eviction"]) == (1, "danger")
        server.call("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
        assert levels(run("doctor", "--json", url=server.url))["eviction"] == "ok"


def test_a_replica_is_a_danger_and_its_primary_wants_one_to_be_near(plain: Server):
    fast = ("--repl-diskless-sync-delay", "0")
    with Server("--replicaof", "127.0.0.1", str(plain.port), *fast) as replica:
        wait_until(lambda: plain.call("INFO", "replication")["connected_slaves"] == 1, "a replica")
        done = run("doctor", "--json", url=replica.url)
        assert (done.returncode, levels(done)["replication"]) == (1, "danger")
        assert f"a replica of 127.0.0.1:{plain.port}" in done.stdout
        assert levels(run("doctor", "--json", url=plain.url))["replication"] == "warning"
        plain.call("CONFIG", "SET", "min-replicas-to-write", "1")
        assert levels(run("doctor", "--json", url=plain.url))["replication"] == "ok"
        plain.call("CONFIG", "SET", "min-replicas-to-write", "0")


def test_a_missing_and_a_wrong_password():
    with Server("--requirepass", "sesam-open") as server:
        for url, words in (
            (f"redis://127.0.0.1:{server.port}/0", "It asks for a password"),
            (server.url.replace("sesam-open", "sesam-shut"), "is not the one that it knows"),
        ):
            done = run("doctor", "--json", url=url)
            assert (done.returncode, levels(done)) == (3, {"connection": "danger"})
            assert words in done.stdout
            assert "sesam" not in done.stdout + done.stderr
        shown = run("doctor", url=server.url).stdout
        assert "sesam" not in shown
        assert shown.startswith(f"redis://127.0.0.1:{server.port}/0\n")


def test_a_server_that_is_away_or_hangs():
    with Server() as server:
        url = server.url
        server.freeze()
        hung = run("doctor", "--timeout", "0.5", url=url)
        assert hung.returncode == 3
        assert "Look for a firewall" in " ".join(hung.stdout.split())
        server.thaw()
        server.kill()
        away = run("doctor", "--json", url=url)
    assert (away.returncode, levels(away)) == (3, {"connection": "danger"})
    assert json.loads(away.stdout)["reachable"] is False


def test_a_user_who_may_not_ask_for_everything(plain: Server):
    plain.call(
        "ACL", "SETUSER", "app", "on", ">sesam-open", "~*", "+@all", "-config", "-info", "-scan"
    )
    url = plain.url.replace("127", "app:sesam-open@127")
    done = run("doctor", "--json", url=url)
    assert done.returncode == 0
    assert levels(done) == {
        "server": "note",
        "eviction": "note",
        "persistence": "note",
        "keys": "note",
        "latency": "ok",
        "clock": "ok",
    }
    assert "not shown by this store" in done.stdout
    plain.call("ACL", "SETUSER", "app", "-@scripting")
    done = run("doctor", "--json", url=url)
    assert (done.returncode, levels(done)["scripts"]) == (1, "danger")
    plain.call("ACL", "DELUSER", "app")


def test_the_keys_under_a_prefix(plain: Server):
    with Credits.from_url(plain.url, prefix="app:") as ledger:
        ledger.initialize_user("alice")
    plain.call("SET", "app:balance:{bob}", 5)
    none = json.loads(run("doctor", "--json", url=plain.url).stdout)["findings"]
    assert any("There is 'app:balance:" in finding["message"] for finding in none)
    some = run("doctor", "--json", "--prefix", "app:", url=plain.url)
    assert levels(some)["keys"] == "warning"
    assert "2 balances and 1 logs under the prefix 'app:'" in some.stdout
    plain.call("EXPIRE", "app:balance:alice", 1000)
    some = run("doctor", "--json", "--prefix", "app:", url=plain.url)
    assert levels(some)["keys"] == "danger"
    assert "'app:balance:alice'" in some.stdout
    plain.call("FLUSHALL")


def test_a_cluster_wants_its_own_url():
    with Cluster() as cluster:
        wrong = run("doctor", "--json", url=cluster.nodes[0].url)
        assert (wrong.returncode, levels(wrong)["cluster"]) == (1, "danger")
        with Credits.from_url(cluster.url) as ledger:
            for n in range(20):
                ledger.initialize_user(f"user{n}")
        right = run("doctor", "--json", url=cluster.url)
        assert levels(right)["cluster"] == "note"
        assert "20 balances and 20 logs" in right.stdout
        assert len(run("users", url=cluster.url).stdout.split()) == 20


def test_upstash_rest(plain: Server):
    with RestServer(plain.url, "sesam-open") as rest:
        done = run("doctor", "--json", url=rest.url, CREDITS_TOKEN="sesam-open")
        assert levels(done)["latency"] == "ok"
        assert "sesam" not in done.stdout + done.stderr
        wrong = run("doctor", "--json", "--url", rest.url, "--token", "sesam-shut")
        assert (wrong.returncode, levels(wrong)) == (3, {"connection": "danger"})
        assert "sesam" not in wrong.stdout + wrong.stderr


def test_the_embedded_store():
    done = run("doctor", "--json", url="memory://")
    assert (done.returncode, levels(done)["persistence"]) == (1, "danger")
    assert json.loads(done.stdout)["server"] == {"name": "embedded store", "version": None}


def test_nothing_to_say_of_a_healthy_store():
    grave = [finding for finding in findings(HEALTHY) if finding.level in ("warning", "danger")]
    assert grave == []


@pytest.mark.parametrize(
    ("change", "topic", "level", "words"),
    [
        ({"appendfsync": "everysec"}, "persistence", "note", "the last second of charges"),
        ({"appendfsync": "no"}, "persistence", "warning", "half a minute"),
        ({"appendonly": "no"}, "persistence", "danger", "a restart loses all balances"),
        ({"appendonly": "no", "save": "3600 1"}, "persistence", "warning", "since the last one"),
        ({"maxmemory-policy": "allkeys-random"}, "eviction", "danger", "balances too"),
        ({"maxmemory-policy": "volatile-ttl"}, "eviction", "ok", "no key that holds credits"),
        ({"maxmemory": "1050000"}, "memory", "danger", "95 % full"),
        ({"maxmemory": "0"}, "memory", "note", "maxmemory is not set"),
        ({"min-replicas-to-write": "0"}, "replication", "warning", "min-replicas-to-write 1"),
    ],
)
def test_settings(change: dict[str, str], topic: str, level: str, words: str):
    told = said(replace(HEALTHY, config={**HEALTHY.config, **change}), topic)
    assert told[0] == level
    assert words in told[1]


@pytest.mark.parametrize(
    ("change", "topic", "level", "words"),
    [
        ({"redis_version": "6.0.16"}, "server", "warning", "older than 6.2"),
        ({"loading": "1"}, "server", "warning", "loading"),
        ({"aof_last_write_status": "err"}, "persistence", "danger", "append-only file failed"),
        ({"rdb_last_bgsave_status": "err"}, "persistence", "danger", "snapshot failed"),
        ({"role": "slave", "master_host": "h"}, "replication", "danger", "a replica of h"),
        ({"cluster_enabled": "1"}, "cluster", "danger", "redis+cluster://"),
    ],
)
def test_information(change: dict[str, str], topic: str, level: str, words: str):
    told = said(replace(HEALTHY, info={**HEALTHY.info, **change}), topic)
    assert told[0] == level
    assert words in told[1]


@pytest.mark.parametrize(
    ("change", "topic", "level", "words"),
    [
        ({"skew_ms": 2500.0}, "clock", "note", "2.5 s ahead of"),
        ({"skew_ms": -60_000.0}, "clock", "warning", "60.0 s behind"),
        ({"skew_ms": None}, "clock", "note", "not shown"),
        ({"latency_ms": (60.0, 80.0)}, "latency", "note", "near the store"),
        ({"latency_ms": (1.0, 500.0)}, "latency", "warning", "after 400 ms"),
        ({"login": False}, "access", "warning", "without a password"),
        ({"scheme": "redis"}, "access", "note", "not encrypted"),
        ({"keys": Keys(3, 3, complete=False)}, "keys", "ok", "at least 3 balances"),
        ({"keys": None}, "keys", "note", "not allowed"),
        ({"braces": True}, "cluster", "danger", "this server is no cluster"),
    ],
)
def test_observations(change: dict[str, Any], topic: str, level: str, words: str):
    told = said(replace(HEALTHY, **change), topic)
    assert told[0] == level
    assert words in told[1]


def test_a_store_that_shows_little_is_told_by_what_it_shows():
    shown = replace(HEALTHY, config={}, info={"maxmemory_policy": "noeviction", "aof_enabled": "1"})
    assert said(shown, "eviction")[0] == "ok"
    assert "how often it reaches the disk is not shown" in said(shown, "persistence")[1]
    shown = replace(shown, info={"aof_enabled": "0"})
    assert said(shown, "persistence")[0] == "warning"


def test_names_of_servers():
    assert server(HEALTHY) == ("Valkey", "9.1.0")
    assert server(replace(HEALTHY, info={"redis_version": "7.4.1"})) == ("Redis", "7.4.1")
    assert server(replace(HEALTHY, scheme="https", info={})) == ("Upstash", "")
    assert server(replace(HEALTHY, info={})) == ("a server", "")
