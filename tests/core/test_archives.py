"""Archives: what they keep, once, and through which endings."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from credits_core import CreditsError, InvalidRequestError, TransactionError
from credits_core.archives import ArchivedEntry, JsonLinesArchive, SqlArchive, jsonl
from credits_core.archives.sql import insert_once, table_of
from tests.support import sqlite

RELEASE = (
    '{"id":"tx_9_r","amount":7,"action":"train","timestamp":9,"kind":"release","hold":"tx_8_h"}'
)


def made(number, user="alice", **more):
    fields = {"id": f"tx_{number}_a", "amount": number, "action": "chat", "timestamp": number}
    return ArchivedEntry(user, f"{number}.25", json.dumps(fields | more))


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


class TestJsonLines:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "archive.jsonl"

    def test_a_line_holds_the_entry_as_it_stood_in_the_log(self, path):
        member = '{ "id" : "tx_1_a","amount":5,"action":"caf\u00e9 \\ud83d","x":1.50,"e":{}}'
        with JsonLinesArchive(path) as archive:
            archive.write([ArchivedEntry('al"ice\n', "1.25", member)])
        (line,) = path.read_text().splitlines()
        assert line == f'{{"user_id":"al\\"ice\\n","score":"1.25","entry":{member}}}'
        assert json.loads(line) == ArchivedEntry('al"ice\n', "1.25", member).to_dict()

    def test_line_breaks_between_tokens_do_not_break_the_line(self, path):
        with JsonLinesArchive(path) as archive:
            archive.write([ArchivedEntry("alice", "1", '{"id":"a",\r\n"amount":5\n}')])
        assert lines(path) == [
            {"user_id": "alice", "score": "1", "entry": {"id": "a", "amount": 5}}
        ]

    def test_only_its_owner_may_read_it(self, path):
        JsonLinesArchive(path).close()
        assert path.stat().st_mode & 0o777 == 0o600

    def test_it_is_synced_before_write_returns(self, path, monkeypatch):
        synced = []
        fsync = os.fsync

        def noting(handle):
            fsync(handle)
            synced.append(os.fstat(handle).st_size)

        with JsonLinesArchive(path) as archive:
            monkeypatch.setattr(os, "fsync", noting)
            archive.write([made(1), made(2)])
            assert synced == [path.stat().st_size] != [0]
            archive.write([made(1)])  # a first writer may have died before its sync
            assert len(synced) == 2

    def test_entries_that_come_again_are_kept_once(self, path):
        with JsonLinesArchive(path) as archive:
            archive.write([made(1), made(2)])
            archive.write([made(2), made(3), made(3)])
        with JsonLinesArchive(path) as archive:
            archive.write([made(3), made(4), made(4, user="bob")])
        assert [(line["user_id"], line["entry"]["amount"]) for line in lines(path)] == [
            ("alice", 1),
            ("alice", 2),
            ("alice", 3),
            ("alice", 4),
            ("bob", 4),
        ]

    def test_two_entries_with_one_id_are_both_kept(self, path):
        with JsonLinesArchive(path) as archive:
            archive.write([made(1), made(1, action="other")])
        assert [line["entry"]["action"] for line in lines(path)] == ["chat", "other"]

    @pytest.mark.parametrize("cut", [1, 5, 60, 90])
    def test_an_unfinished_line_is_cut_off_and_written_again(self, path, cut):
        with JsonLinesArchive(path) as archive:
            archive.write([made(1), made(2)])
        whole = path.read_bytes()
        path.write_bytes(whole[:-cut])
        with JsonLinesArchive(path) as archive:
            archive.write([made(1), made(2)])
        assert path.read_bytes() == whole

    def test_a_write_that_breaks_off_leaves_nothing_behind(self, path, monkeypatch):
        def full(handle):
            raise OSError(28, "No space left on device")

        with JsonLinesArchive(path) as archive:
            archive.write([made(1)])
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", full)
                with pytest.raises(OSError, match="No space"):
                    archive.write([made(2)])
            assert len(lines(path)) == 1
            archive.write([made(2), made(3)])
        assert [line["entry"]["amount"] for line in lines(path)] == [1, 2, 3]

    def test_what_is_remembered_is_bounded_and_holds_the_newest(self, path, monkeypatch):
        monkeypatch.setattr(jsonl, "REMEMBERED", 100)
        monkeypatch.setattr(jsonl, "TAIL_BYTES", 4000)
        with JsonLinesArchive(path) as archive:
            for start in range(0, 1000, 50):
                archive.write([made(n) for n in range(start, start + 50)])
                archive.write([made(n) for n in range(start, start + 50)])
            assert len(archive._recent) == 100
        with JsonLinesArchive(path) as archive:
            assert 20 < len(archive._tail) < 60
            archive.write([made(n) for n in range(975, 1005)])
        assert [line["entry"]["amount"] for line in lines(path)] == list(range(1005))

    def test_the_tail_is_remembered_as_long_as_the_file_is_open(self, path, monkeypatch):
        monkeypatch.setattr(jsonl, "REMEMBERED", 10)
        with JsonLinesArchive(path) as archive:
            archive.write([made(1)])
        with JsonLinesArchive(path) as archive:
            archive.write([made(n, user="bob") for n in range(100)])
            archive.write([made(1)])
        assert len(lines(path)) == 101

    def test_the_last_user_is_known(self, path):
        with JsonLinesArchive(path) as archive:
            assert archive.last_user is None
            archive.write([made(1), made(1, user="b\u00f6b")])
        with JsonLinesArchive(path) as archive:
            assert archive.last_user == "b\u00f6b"

    def test_one_process_at_a_time(self, path):
        code = "import sys; from credits_core.archives import JsonLinesArchive as A; A(sys.argv[1])"
        with JsonLinesArchive(path), pytest.raises(CreditsError, match="another process"):
            JsonLinesArchive(path)
        with JsonLinesArchive(path):
            done = subprocess.run(
                [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
            )
        assert "another process writes" in done.stderr
        JsonLinesArchive(path).close()

    @pytest.mark.parametrize("rest", ["", "tail", '{"user_id":"alice"'])
    @pytest.mark.parametrize(
        "text",
        [
            *("hello\n", "[]\n", '{"user":1}\n', "\n", '{"user_id":"alice","event":"login"}\n'),
            '{"user_id":"alice","score":"1","entry":5}\n',
            '{"user_id":1,"score":"1","entry":{"amount":1}}\n',
        ],
    )
    def test_a_file_of_something_else_is_left_alone(self, path, text, rest):
        path.write_text(text + rest)
        with pytest.raises(CreditsError, match="no archive"):
            JsonLinesArchive(path)
        assert path.read_text() == text + rest

    @pytest.mark.parametrize("text", ['abc {"a":1}', '{"a":1}', '{"user_ids":[]}', "x", " "])
    def test_a_file_without_any_line_is_left_alone(self, path, text):
        path.write_text(text)
        with pytest.raises(CreditsError, match="no archive"):
            JsonLinesArchive(path)
        assert path.read_text() == text

    def test_a_database_given_as_a_file_is_left_alone(self, path):
        with sqlite.opened(path) as database:
            database.execute("create table notes (text)")
            database.executemany("insert into notes values (?)", [("a\nb",)] * 500)
        before = path.read_bytes()
        with pytest.raises(CreditsError, match="no archive"):
            JsonLinesArchive(path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("size", [1, 5, 11, 60])
    def test_a_first_line_that_was_left_unfinished_is_cut_off(self, path, size):
        with JsonLinesArchive(path) as archive:
            archive.write([made(1)])
        whole = path.read_bytes()
        path.write_bytes(whole[:size])
        with JsonLinesArchive(path) as archive:
            assert archive.last_user is None
            archive.write([made(1)])
        assert path.read_bytes() == whole

    def test_a_long_file_without_lines_is_left_alone(self, path, monkeypatch):
        monkeypatch.setattr(jsonl, "TAIL_BYTES", 100)
        path.write_text("x" * 500)
        with pytest.raises(CreditsError, match="no archive"):
            JsonLinesArchive(path)
        assert path.read_text() == "x" * 500

    def test_a_long_file_with_one_break_near_its_end_is_left_alone(self, path, monkeypatch):
        monkeypatch.setattr(jsonl, "TAIL_BYTES", 100)
        text = "x" * 500 + "\ntail"
        path.write_text(text)
        with pytest.raises(CreditsError, match="no archive"):
            JsonLinesArchive(path)
        assert path.read_text() == text


class TestSql:
    @pytest.fixture
    def engine(self, tmp_path):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/archive.db")
        yield engine
        engine.dispose()

    def rows(self, engine, what="*"):
        with engine.connect() as connection:
            question = sa.text(f"select {what} from credit_transactions order by rowid")
            return list(connection.execute(question).mappings())

    def test_a_row_is_what_the_boilerplate_keeps_and_the_entry_itself(self, engine):
        refund = made(
            5, action="refund", kind="refund", ref="tx_1_a", metadata={"reason": "caf\u00e9"}
        )
        SqlArchive(engine).write([made(3), refund, ArchivedEntry("alice", "9", RELEASE)])
        first, second, third = self.rows(engine)
        assert dict(first) == {
            "id": "tx_3_a",
            "user_id": "alice",
            "amount": 3,
            "type": "add",
            "description": "chat",
            "reference_id": None,
            "created_at": "1970-01-01 00:00:00.003000",
            "score": "3.25",
            "entry": made(3).member,
        }
        assert (second["type"], second["reference_id"]) == ("refund", "tx_1_a")
        assert second["entry"] == refund.member
        assert (third["type"], third["reference_id"]) == ("release", "tx_8_h")

    def test_entries_that_come_again_are_kept_once(self, engine):
        SqlArchive(engine).write([made(1), made(2), made(2, user="bob")])
        SqlArchive(engine).write([made(2), made(3), made(2, user="bob")])
        assert [(row["user_id"], row["amount"]) for row in self.rows(engine)] == [
            ("alice", 1),
            ("alice", 2),
            ("bob", 2),
            ("alice", 3),
        ]

    def test_a_chunk_is_kept_whole_or_not_at_all(self, engine):
        archive = SqlArchive(engine)
        archive.write([made(1)])
        with pytest.raises(TransactionError, match="another entry 'tx_1_a'"):
            archive.write([made(7), made(1, action="other")])
        with pytest.raises(TransactionError, match="another entry 'tx_8_a'"):
            archive.write([made(8), made(8, action="other")])
        assert [row["amount"] for row in self.rows(engine)] == [1]

    def test_chunks_of_thousands(self, engine):
        archive = SqlArchive(engine)
        chunk = [made(n) for n in range(5000)]
        archive.write(chunk)
        archive.write(chunk)
        assert self.rows(engine, "count(*) as n, count(distinct id) as ids") == [
            {"n": 5000, "ids": 5000}
        ]

    def test_entries_of_other_apps_without_id_or_with_odd_text(self, engine):
        odd = [
            '{"amount":1,"action":"a"}',
            '{"amount":2,"action":"a"}',
            '{"id":"x","amount":3,"action":"cut \\ud83d and \\u0000"}',
            '{"id":"y","amount":4,"action":"\udcff"}',
        ]
        archive = SqlArchive(engine)
        for _ in range(2):
            archive.write([ArchivedEntry("alice", "1", member) for member in odd])
        found = self.rows(engine)
        assert [row["amount"] for row in found] == [1, 2, 3, 4]
        assert found[2]["description"] == "cut \ufffd and \ufffd"
        assert found[2]["entry"] == odd[2]

    def test_an_engine_that_was_handed_in_stays_open(self, engine):
        pool = engine.pool
        with SqlArchive(engine) as archive:
            archive.write([made(1)])
        assert engine.pool is pool  # closing an engine gives it a new one
        assert len(self.rows(engine)) == 1

    def test_a_table_of_another_shape_is_refused(self, engine):
        with engine.begin() as connection:
            connection.execute(sa.text("create table credit_transactions (id int)"))
        with pytest.raises(InvalidRequestError, match="a table of its own"):
            SqlArchive(engine)
        with SqlArchive(engine, table="old_credits") as archive:
            archive.write([made(1)])

    @pytest.mark.parametrize("url", ["mysql://host/db", "oracle://host/db", "nothing://x"])
    def test_other_databases_are_refused(self, url):
        with pytest.raises(InvalidRequestError, match="SQLite or PostgreSQL") as refusal:
            SqlArchive(url)
        assert url.partition(":")[0] in str(refusal.value)

    def test_an_engine_of_another_database_is_refused(self):
        engine = sa.create_mock_engine("mysql+asyncmy://", lambda *_: None)
        with pytest.raises(InvalidRequestError, match="not in mysql"):
            SqlArchive(engine)

    @pytest.mark.parametrize(
        "url",
        [
            *("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"),
            "sqlite:///file:/shared?vfs=memdb&uri=true",
        ],
    )
    def test_a_database_that_ends_with_the_process_is_no_archive(self, url):
        with pytest.raises(InvalidRequestError, match="in memory"):
            SqlArchive(url)
        engine = sa.create_engine(url)
        with pytest.raises(InvalidRequestError, match="in memory"):
            SqlArchive(engine)
        assert sa.inspect(engine).get_table_names() == []
        engine.dispose()

    def test_an_attached_database_is_looked_at_where_the_table_is_in_it(self, tmp_path):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/main.db")

        @sa.event.listens_for(engine, "connect")
        def attach(connection, _):
            connection.execute(f"attach '{tmp_path}/side.db' as side")
            connection.execute("attach ':memory:' as fleeting")

        SqlArchive(engine, table="side.old").write([made(1)])
        with pytest.raises(InvalidRequestError, match="in memory"):
            SqlArchive(engine, table="fleeting.old")
        engine.dispose()
        with sqlite.opened(tmp_path / "side.db") as side:
            assert side.execute("select amount from old").fetchall() == [(1,)]

    def test_the_statements_for_postgresql(self):
        """Compiled only: CI has no PostgreSQL."""
        dialect = postgresql.dialect()
        table = table_of("billing.credit_transactions")
        insert = str(insert_once(table, "postgresql").compile(dialect=dialect))
        assert insert.startswith("INSERT INTO billing.credit_transactions (id, user_id, amount,")
        assert insert.endswith("ON CONFLICT (user_id, id) DO NOTHING")
        create = str(sa.schema.CreateTable(table).compile(dialect=dialect))
        for part in (
            "id TEXT NOT NULL",
            "amount BIGINT NOT NULL",
            "created_at TIMESTAMP WITH TIME ZONE NOT NULL",
            "UNIQUE (user_id, id)",
        ):
            assert part in create


def test_the_core_loads_no_sqlalchemy():
    code = "import sys, credits_core.cli.app as app; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
