"""The files that messages bring: kept with them, handed out as downloads, removed with them."""
