"""The paper calculation, on round figures that can be checked by hand."""

from dataclasses import replace

import pytest

from experiments.markdown import table, table_rows
from experiments.scaling.page import HEAD as COSTS_HEAD
from experiments.scaling.page import STORED_HEAD
from experiments.sizing import (
    BROKERS_HEAD,
    LOST_HEAD,
    SERVERS_HEAD,
    STATE_HEAD,
    TRAFFIC_HEAD,
    Assumed,
    brokers,
    catch_up_s,
    fleet,
    tables,
)
from experiments.survival.page import LONG_HEAD, TRACES_HEAD
from experiments.throughput.page import HEAD as SPEEDS_HEAD

ASSUMED = Assumed(
    records_per_s=1_000_000,
    used=0.5,
    used_after_loss=0.8,
    replicas=3,
    network_bytes_per_s=1e9,
    network_used=0.5,
    retention_days=1,
    readers=2,
    data_types=10,
)
WHOLE = ("killed", "and its disk wiped", "and the model topic emptied")
PAGES = {
    "throughput": table(
        SPEEDS_HEAD,
        [
            ("`custom_stage`", "at-least-once", "forest-onnx", "200,000", "", "", "", "1,000", ""),
            ("`custom_stage`", "exactly-once", "forest-onnx", "1", "", "", "", "1", ""),
            ("`custom_stage`", "at-least-once", "linear-onnx", "1", "", "", "", "1", ""),
            ("`streams_kvstore`", "at-least-once", "forest-onnx", "125,000", "", "", "", "2,000", ""),
        ],
    ),
    "survival": table(
        LONG_HEAD,
        [
            *(("`custom_stage`", each, "1.4 (1.4 - 1.5) s", "", "0", "0", "") for each in WHOLE),
            ("`streams_kvstore`", "killed", "1.5 s", "", "0", "0", ""),
            ("`streams_kvstore`", "and its disk wiped", "2.0 (1.9 - 2.1) s", "", "0", "0", ""),
        ],
    )
    + "\n"
    + table(TRACES_HEAD, [("`custom_stage`", "1", "0", "nothing"), ("`streams_kvstore`", "1", "0", "2.0 MB")]),
    "scaling": table(
        COSTS_HEAD,
        [
            ("`custom_stage`", "3", "1", "5", "", "1.00", "", "", "5,000"),
            ("`custom_stage`", "12", "6", "10", "", "2.00", "", "", "4,000"),
            ("`streams_kvstore`", "3", "1", "6", "", "1.00", "", "", "5,000"),
            ("`streams_kvstore`", "12", "6", "7.5", "", "1.25", "", "", "1,000"),
        ],
    )
    + "\n"
    + table(
        STORED_HEAD,
        [
            ("`custom_stage`", "3", "140.0", "100.0", "", "", "", "", ""),
            ("`streams_kvstore`", "3", "140.0", "110.0", "200", "", "", "", ""),
        ],
    ),
}


def test_instances_are_half_used_and_partitions_so_many_that_a_loss_is_shared() -> None:
    # 1,000,000 / 50,000 = 20 instances. With 20 partitions one of the 19 others would have two, and 100,000 records/s;
    # with 40 one has three of 25,000 records/s.
    found = fleet(100_000, ASSUMED)
    assert (found.instances, found.partitions) == (20, 40)
    assert (found.busiest, found.busiest_after_loss) == (50_000, 75_000)


def test_there_are_so_many_instances_that_one_less_can_take_over() -> None:
    # Ten would do; but a million at 80,000 records/s each takes 13, which must be left when one of 14 is lost.
    found = fleet(100_000, replace(ASSUMED, used=1.0))
    assert found.instances == 14
    assert 1_000_000 / 13 < found.busiest_after_loss <= 80_000


def test_what_waited_is_scored_with_what_the_busiest_has_to_spare() -> None:
    # It has one partition more: 25,000 records/s for 6 s, and 25,000 records/s to spare.
    assert catch_up_s(fleet(100_000, ASSUMED), 6) == pytest.approx(6)


def test_one_broker_is_to_spare_and_each_replica_has_its_own() -> None:
    assert brokers(3e9, 1e9, ASSUMED) == 7, "six at 0.5 GB/s, and one"
    assert brokers(1e9, 3e9, ASSUMED) == 7
    assert brokers(1, 1, ASSUMED) == 3


def test_the_tables_are_computed_from_the_pages_of_the_experiments() -> None:
    found = tables(PAGES, ASSUMED)
    # A wine has 140 bytes, a score 110: of the variants the most.
    written, copied, read = table_rows(found["traffic"], TRAFFIC_HEAD)[1:]
    assert [written["wines"], written["scores"], written["together"]] == ["140 MB", "110 MB", "250 MB"]
    assert [copied["together"], read["together"]] == ["500 MB", "360 MB"], "scores are read twice"
    known = {row["brokers"]: row["value"] for row in table_rows(found["brokers"], BROKERS_HEAD)}
    assert [known["into all of them"], known["out of all of them"]] == ["750 MB", "860 MB"]
    assert known["brokers"] == "3"
    assert known["into each"] == "250 MB"
    assert known["out of each; at most, when one is lost"] == "287 MB; 430 MB"
    assert known["on all disks, at this retention"] == "65 TB", "750 MB/s x 86,400 s = 64.8 TB"

    stage, stored = table_rows(found["servers"], SERVERS_HEAD)
    # 200,000 / 2.00, and 125,000 / 1.25: twenty instances each, as above.
    for row in (stage, stored):
        assert (row["one instance, records/s"], row["instances"], row["partitions"]) == ("100,000", "20", "40")
        assert (row["the busiest instance"], row["the busiest, one lost"]) == ("50,000 (50%)", "75,000 (75%)")
    assert stage["memory, all instances"] == "21.0 GB", "20 x 1,000 MiB"

    lost = table_rows(found["lost"], LOST_HEAD)[0]
    assert list(lost.values())[1:] == ["6 s", "300,000", "6.0 s", "5,000"], "50,000 records/s for 6 s; for 0.1 s"

    stage, stored = table_rows(found["state"], STATE_HEAD)
    # A row per 1,000 records; of 200 bytes, in three replicas.
    assert [stored["changelog, rows/s"], stored["changelog, MB/s, all replicas"]] == ["1,000", "0.60"]
    # Ten models of 409,498 bytes; 2.0 MB were restored in 0.5 s.
    assert stored["models, every instance"] == stage["models, every instance"] == "4 MB, 82 MB together"
    assert [stored["restored in"], stage["restored in"]] == ["1 s", ""]
