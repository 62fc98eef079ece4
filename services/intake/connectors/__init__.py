"""One module per channel format: verify the raw bytes, then parse them into messages."""
