"""One module for each format in which channels send: `port` says what it consists of, `registry`
lists them.
"""
