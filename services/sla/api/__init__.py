"""The sla service over HTTP: parse, call the verb, show what it returned."""
