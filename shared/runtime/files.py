"""Files that hold what people wrote: only the user that the desk runs as may look into them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OF_OTHERS = 0o077


def private_folder(path: Path) -> None:
    """Make the folder where it is missing. One that is there stays as its owner made it: it may
    hold more than the desk's files. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def private_database(path: Path) -> None:
    """Make the file where it is missing, and take it and SQLite's files beside it from others, as
    programs of before have left them. Before it is opened: SQLite gives later ones its mode, and
    closing a file of one's own would drop SQLite's locks. Raises OSError.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        for each in (
            path,
            *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")),
        ):
            _take_from_others(each)


def _take_from_others(path: Path) -> None:
    # Gone meanwhile, or somebody else's file, which its owner lets us use as it is.
    with suppress(FileNotFoundError, PermissionError):
        if path.stat().st_mode & _OF_OTHERS:
            path.chmod(FILE_MODE)
