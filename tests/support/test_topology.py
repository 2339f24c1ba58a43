"""Clusters and sentinels, and the ports that they take."""

import pytest
import redis
import redis.asyncio
from redis.asyncio.cluster import RedisCluster

from tests.support.ports import free_port
from tests.support.topology import Cluster, Sentinel


async def test_cluster():
    with Cluster() as cluster:
        host, port = cluster.url.removeprefix("redis+cluster://").split(":")
        async with RedisCluster(host=host, port=int(port)) as client:
            for n in range(50):
                await client.set(f"k{n}", n)
        sizes = [node.call("DBSIZE") for node in cluster.nodes]
        assert sum(sizes) == 50
        assert all(sizes)
        with pytest.raises(redis.ResponseError, match="same slot"):
            cluster.nodes[0].call("EVAL", "return 1", 2, "balance:u", "txs:u")


def test_sentinel():
    with Sentinel() as group:
        address = ("127.0.0.1", group.sentinel.port)
        watcher = redis.Sentinel([address])
        first = group.primary
        assert watcher.discover_master("mymaster")[1] == first.port
        first.call("SET", "k", "v")
        second = group.failover()
        assert second is not first
        assert watcher.discover_master("mymaster")[1] == second.port
        assert second.call("GET", "k") == "v"
        assert group.replica is first
        assert group.wait_for_replica() is first
        second.kill()
        assert group.wait_for_new_primary(second) is first
        assert first.call("GET", "k") == "v"
        for sentinel in watcher.sentinels:
            sentinel.close()


def test_free_ports_leave_room_for_the_bus():
    assert all(11_000 <= free_port() < 31_000 for _ in range(20))
