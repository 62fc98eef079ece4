"""The transport of facts between the services: see `port` for what it promises."""
