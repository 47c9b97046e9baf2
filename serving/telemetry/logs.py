"""What a server says: structured events, shown as lines to read or as JSON."""

import logging
import sys
import time
from collections.abc import Callable

import structlog
from structlog.typing import EventDict, WrappedLogger

from serving.settings.server import Settings

LINES: dict[str, Callable[[EventDict], str]] = {
    # The tutorial's own words for what a participant watches.
    "record_scored": lambda e: f"Calculated quality - {e['value']:.2f} calculated in {e['duration_ms']:.3f} ms",
    "record_skipped": lambda _: "No model available - skipping",
    "record_rejected": lambda e: f"Record refused - {e['record']} (it is in the dead-letter topic)",
    "model_arrived": lambda e: f"Model arrived - {e['model']} for {e['data_type']}",
    "model_serving": lambda e: (
        f"Model serving - {e['model']} ({', '.join(filter(None, (e['model_type'], e['scored_by'])))})"
        f" now scores {e['data_type']}"
    ),
    "model_ignored": lambda e: f"Model ignored - {e['data_type']} is scored by {e['model']} or a newer model already",
    "model_rejected": lambda e: f"Model refused - {e['model'] or 'without a name'}: {e['reason']}; {e['meanwhile']}",
    "model_postponed": lambda e: (
        f"Model waits - {e['model']}: this machine cannot load it at present ({e['reason']}); retrying until it can"
    ),
    "pmml_engine": lambda e: (
        f"PMML is scored by {e['engine']} - its licence is {e['licence']}: who offers it over a network owes its users "
        "the source of what it is part of"
    ),
    "model_load_abandoned": lambda e: f"Gave up loading {e['model']} - its thread is left behind, busy until it ends",
    "lines_omitted": lambda e: (
        f"... and {e['omitted']} lines like this in the last second (sampled above 10 per second)"
    ),
    "waiting": lambda e: f"Waiting up to {e['up_to_s']:g} s - {e['reason']}",
    "models_caught_up": lambda e: f"Models caught up - {e['data_types']} data types with a model in the topic",
    "broker_lost": lambda e: f"Broker lost - {e['bootstrap_servers']} does not answer; retrying until it is back",
    "broker_back": lambda e: f"Broker back - {e['bootstrap_servers']} answers again; carrying on",
    "offsets_undecided": lambda e: (
        f"Waiting for a transaction of the last owner of partitions {e['partitions']} - still undecided"
    ),
    "partitions_assigned": lambda e: f"Partitions assigned - {e['partitions']}",
    "model_restored": lambda e: f"Model restored - {e['model']} for {e['data_type']} survived the last stop",
    "model_not_restored": lambda e: f"Model not restored - {e['model']}: {e['reason']}; the next one will do",
    "newer_model_not_loaded": lambda e: (
        f"Newer model not loaded - the one at offset {e['offset']} for {e['data_type']}, which counts in partitions"
        f" {e['partitions']}; its counters are kept, and the model that is loaded scores"
    ),
    "store_damaged": lambda e: (
        f"Store damaged - {e['store']} ({e['reason']}): moved to {e['moved_to']}, restored from its changelog"
    ),
    "former_databases_ignored": lambda e: (
        f"Databases of a former version ignored - {', '.join(e['former'])}: {e['store']} is restored from its changelog"
    ),
    "row_ignored": lambda e: f"Row ignored - {e['row']} is no row that a server of ours wrote to its table",
    "changelog_record_ignored": lambda e: (
        f"Changelog record ignored - {e['topic']}@{e['offset']} is no model that a server of ours wrote"
    ),
    "feed_position_unknown": lambda e: (
        f"Position in the models topic unknown - {e['path']} has no whole one; reading it from its beginning"
    ),
    "former_state_ignored": lambda e: (
        f"State of a former version ignored - {e['directory']}; its counters are not taken over, models are read again"
    ),
    "commits_of_another_topic": lambda e: (
        f"Reading partitions {e['partitions']} from their beginning - the group's commits are of a deleted topic"
    ),
    "actor_replaced": lambda e: (
        f"Actor replaced - {e['data_type']}: {e['reason']}; its successor carries on from what is on disk"
    ),
    "batches_left_behind": lambda e: f"Rebalanced with records in flight - {e['reason']}",
    "server_started": lambda e: (
        f"{e['variant']} serves on {e['url']} - its page; also {', '.join(e['queryable'])}, /metrics, /docs"
    ),
    "stopping": lambda e: f"Stopping - {e['reason']}: finishing what is in flight",
    "stop_timed_out": lambda e: (
        f"Gave up - records in flight were not acknowledged within {e['after_s']:g} s; they will be scored again"
    ),
    "stop_cut_short": lambda e: (
        f"Gave up - not everything let go within {e['after_s']:g} s; what was not committed is read again"
    ),
    "request_failed": lambda e: f"Failed to answer {e['path']} - {e['reason']}",
    "producer_replaced": lambda e: (
        f"Producer replaced - {e['reason']}; what it had not written is written by the new one"
    ),
    "transaction_timed_out": lambda e: (
        f"Transaction took too long - the broker gave up {e['records']} records after {e['after_s']:g} s;"
        " written again, in parts or with more time"
    ),
    "joining_group": lambda e: (
        f"Waiting for partitions - a killed member of group {e['group']} is missed after up to {e['up_to_s']:g} s"
    ),
    "server_stopped": lambda e: (
        f"Stopped - {e['scored']} scored, {e['skipped']} skipped, {e['dead_letters']} dead letters"
    ),
}


def configure(settings: Settings) -> None:
    """Send all events of this process to standard output, and silence what the Kafka client says of each retry."""
    renderer = structlog.processors.JSONRenderer() if settings.log_format == "json" else _line
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    # During an outage aiokafka logs some hundred lines a second; Broker.watch says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    traceback = event.pop("exception", None)
    said = LINES.get(str(event["event"]))
    if said is None:
        fields = {name: value for name, value in event.items() if name not in ("event", "level", "timestamp")}
        text = " ".join([str(event["event"]), *(f"{name}={value}" for name, value in fields.items())])
    else:
        text = said(event)
    lines = [text] if traceback is None else [text, *str(traceback).splitlines()]
    return f"{time.strftime('%H:%M:%S')} " + "\n".join(map(_printable, lines))


def _printable(text: str) -> str:
    """Names and reasons come from outside: one with escape sequences or line breaks must not fool the reader."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
