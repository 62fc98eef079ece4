"""From a transaction to the bus and back: outbox, relay, consumer, inbox."""
