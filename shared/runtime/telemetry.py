"""Logs and metrics. Event names are constant, values are ids and numbers; never text of a customer.

docs/operations.md lists every log event and metric that we promise; a test compares it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.runtime.error_text import stack
from shared.runtime.trace import current_traceparent, trace_id


def _with_trace(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    traceparent = current_traceparent()
    if traceparent:
        event["trace_id"] = trace_id(traceparent)
    return event


def _without_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Stacks as `error_text` shows them."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = stack(error)
    return event


def _in_our_form(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A library's free text becomes a field: the name of an event is constant.

    Its first line, that is: asyncio puts what it knows of a task below, with the error as it is.
    """
    event["message"] = str(event["event"]).partition("\n")[0]
    event["event"] = "library.said"
    event["logger"] = event["_record"].name
    return event


def configure_logging(level: str) -> None:
    """JSON lines on stderr, ours and those of the libraries alike."""
    logging.captureWarnings(capture=True)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _with_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _in_our_form],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_values,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # One line per request would be the most expensive part of a request; the metrics count them.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # They name the addresses that they call, which may hold a secret, or say what they read.
    for name in ("httpx", "httpcore", "apprise", "urllib3", "imapclient"):
        logging.getLogger(name).setLevel(logging.WARNING)


class Metrics:
    """A service's numbers in a registry of its own: three services may live in one process."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self.service = service
        self.requests = self.counter("desk_http_requests", "Requests by status.", "status")
        self.request_seconds = self.histogram("desk_http_request_seconds", "Time to the answer.")
        self.published = self.counter("desk_outbox_published", "Facts that reached the bus.")
        self.outbox_age = self.gauge(
            "desk_outbox_age_seconds", "Age of the fact that waits longest for the bus."
        )
        self.handled = self.counter("desk_events_handled", "Facts handled.", "type")
        self.repeated = self.counter("desk_events_repeated", "Facts delivered again, no effect.")
        self.dead_letters = self.counter(
            "desk_dead_letters", "Records and facts set aside with a reason."
        )
        self.letters = self.gauge(
            "desk_dead_letters_waiting", "Dead letters that nobody has dealt with."
        )
        self.lag = self.gauge("desk_consumer_lag", "Records not handled yet.")

    def counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(name, help_, labels, registry=self.registry)

    def gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(name, help_, labels, registry=self.registry)

    def histogram(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(name, help_, labels, registry=self.registry)
