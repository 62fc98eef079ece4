"""Mails, whichever way they come: by IMAP, as raw RFC 5322, or taken apart by a mail service.

`mime` takes a raw mail apart, `mail` is what every way ends in, and `item` says what it is to the
desk. Nothing here has effects, refuses a mail, or costs more than in proportion to its length.
"""
