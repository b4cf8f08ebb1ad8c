"""What statements need, and that no comment hides a word."""

from __future__ import annotations

import time

import pytest

from janee.authority.policy._sql import MAX_SQL, sql_preset
from janee.profiles import Preset


@pytest.mark.parametrize(
    ("text", "preset"),
    [
        ("select 1 -- note\nfrom t", Preset.READ),
        ("select /* all of it */ a from t", Preset.READ),
        ("update t set a = 1 where b = 2", Preset.WRITE),
        ("insert into t values (1) on conflict (a) do update set a = 2", Preset.WRITE),
        ("create extension if not exists pgcrypto", Preset.WRITE),
        ("delete from t", Preset.ADMIN),
        ("delete from t where 1 = 1", Preset.ADMIN),
        ("delete from t where true returning *", Preset.ADMIN),
        ("delete from a where b = 1; delete from b", Preset.ADMIN),
        ("update t set a = 1", Preset.ADMIN),
        ("with d as (delete from t returning *) select * from d", Preset.ADMIN),
        ("alter table t owner to other", Preset.ADMIN),
    ],
)
def test_what_statements_need(text: str, preset: Preset) -> None:
    assert sql_preset(text) is preset


@pytest.mark.parametrize(
    "text",
    [
        "load /* x */ data infile '/x' into table t",
        "load/**/data infile '/x' into table t",
        "select '/*', load/**/data, '*/'",
        "select /*!50000load_file*/('/x')",
        "create extension -- x\n dblink",
        "select '--', 1; create extension -- it's\n dblink",
        "create extension if not exists plperlu",
        "create extension  if  not  exists  dblink",
        "copy t from program 'id'",
        "prepare a as select 1; execute concat('dr', 'op table t')",
        "select pg_promote()",
    ],
)
def test_what_is_refused(text: str) -> None:
    assert isinstance(sql_preset(text), str)


@pytest.mark.parametrize(
    "unit", ["copy ", "a.", "where 1 ", "delete from ", "update a.b.c ", "-- \n", "/* a */ ", "'a'='", " ", "u& "]
)
def test_time_grows_with_the_length_and_the_length_is_bounded(unit: str) -> None:
    text = (unit * MAX_SQL)[:MAX_SQL]
    begun = time.perf_counter()
    sql_preset(text)
    assert time.perf_counter() - begun < 5
    assert isinstance(sql_preset(text + "a"), str)
